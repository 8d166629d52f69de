-- Events whose subject agreed to analytics, and events that are nobody's. The source of marts, of no trained model.
with events as (
    select * from {{ source('safe', 'pseudonymous_events') }}
    where subject is null or 'analytics' = any(purposes)
)

select
    {{ event_columns() }}
from events
