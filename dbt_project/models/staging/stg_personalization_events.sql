-- Events whose subject agreed to personalization, and events that are nobody's: context of a company.
with events as (
    select * from {{ source('safe', 'pseudonymous_events') }}
    where 'personalization' = any(purposes)
)

select
    event_id,
    subject,
    company,
    event_type,
    event_source,
    component,
    action,
    occurred_at,
    event_day
from events
