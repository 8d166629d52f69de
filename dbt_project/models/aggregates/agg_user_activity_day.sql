-- When, where and how a subject used the product on a UTC day: counts that add up over days, and small sets.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'known_on'], 'unique': true},
        {'columns': ['event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select
        subject,
        event_day,
        known_on,
        action,
        device,
        os,
        network,
        duration_ms,
        is_error,
        extract(hour from occurred_at at time zone 'UTC')::int as hour_of_day,
        coalesce(not is_valid, false) as is_invalid
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
    {{ evaluated_once() }}
)

select
    subject,
    event_day,
    known_on,
    count(*)::int as n_events,
    {%- for kind, action in interactions().items() %}
    (count(*) filter (where action = '{{ action }}'))::int as n_{{ kind }},
    {%- endfor %}
    (count(*) filter (where is_error))::int as n_errors,
    (count(*) filter (where is_invalid))::int as n_invalid_forms,
    {%- for hour in range(0, 24, 4) %}
    (count(*) filter (where hour_of_day >= {{ hour }} and hour_of_day < {{ hour + 4 }}))::int
        as n_events_from_{{ '%02d' % hour }}h,
    {%- endfor %}
    bit_or(1 << hour_of_day) as hours_of_day,
    (count(*) filter (where device = 'phone'))::int as n_phone_events,
    (count(device))::int as n_device_events,
    (count(*) filter (where action = 'feature_use' and duration_ms is not null))::int as n_timed_uses,
    coalesce(sum(duration_ms) filter (where action = 'feature_use'), 0) as sum_use_ms,
    array_agg(distinct device) filter (where device is not null) as devices,
    array_agg(distinct os) filter (where os is not null) as systems,
    array_agg(distinct network) filter (where network is not null) as networks
from events
group by subject, event_day, known_on
