-- Every UTC day from the month of the first event day to the last one: the days that metrics look at.
with extent as (
    select date_trunc('month', min(event_day)) as first_day, max(event_day) as last_day
    from {{ source('safe', 'event_days') }}
)

select generate_series(first_day, last_day, interval '1 day')::date as event_day
from extent
