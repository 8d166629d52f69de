-- Events whose subject agreed to model training. The only way from events to features.
with events as (
    select * from {{ source('safe', 'pseudonymous_events') }}
    where subject is not null and purposes @> array['model_training']
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
    event_day,
    {{ json_flag('data', 'is_bot') }} as is_bot,
    coalesce({{ json_number('data', 'n_files') }}, {{ json_number('data', 'n_rows') }},
        {{ json_number('data', 'n_results') }}) as n_items,
    coalesce({{ json_number('data', 'latency_ms') }}, {{ json_number('data', 'load_ms') }}) as latency_ms,
    coalesce({{ json_number('data', 'rating') }}, {{ json_number('data', 'score') }}) as rating,
    action in ('error', 'failed_login')
    or not coalesce({{ json_flag('data', 'succeeded') }}, {{ json_flag('data', 'is_valid') }}, true)
    or coalesce({{ json_number('data', 'status') }}, 0) >= 500 as is_error
from events
