-- Events whose subject agreed to model training. The only way from events to features.
with events as (
    select * from {{ source('safe', 'pseudonymous_events') }}
    where subject is not null and 'model_training' = any(purposes)
)

select
    {{ event_columns() }}
from events
