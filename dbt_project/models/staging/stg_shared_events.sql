-- Anonymous events for insight across companies. No subject, persona or session exists here.
with events as (
    select * from {{ source('safe', 'anonymous_events') }}
)

select
    anonymous_id,
    company,
    event_type,
    event_source,
    component,
    action,
    occurred_hour,
    event_day
from events
