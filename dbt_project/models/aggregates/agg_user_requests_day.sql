-- How a subject's requests (calls, prompts, searches) followed each other on a UTC day, and its changes of payment.
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
        event_id,
        subject,
        event_day,
        known_on,
        occurred_at,
        action,
        api_key,
        action in ('call', 'prompt', 'search') as is_request,
        concat_ws(' ', action, method, endpoint, feature, prompt_template, prompt_length::text, n_results::text)
            as request_text
    from {{ ref('stg_training_events') }}
    where action in ('call', 'prompt', 'search', 'payment_method_change', 'payment_failed')
        {{ and_dirty_day() }}
    {{ evaluated_once() }}
),

followed as (
    select
        *,
        extract(epoch from occurred_at - lag(occurred_at) over in_order) as gap_seconds,
        coalesce(request_text = lag(request_text) over in_order, false) as is_repeated,
        count(*) over (
            partition by subject, event_day, known_on, is_request, date_trunc('minute', occurred_at)
        ) as n_in_minute
    from events
    window in_order as (partition by subject, event_day, known_on, is_request order by occurred_at, event_id)
)

select
    subject,
    event_day,
    known_on,
    (count(*) filter (where is_request))::int as n_requests,
    (count(*) filter (where is_request and gap_seconds < 1))::int as n_rapid_requests,
    (count(*) filter (where is_request and is_repeated))::int as n_repeated_requests,
    (count(*) filter (where is_request and gap_seconds <= 1800))::int as n_gaps,
    coalesce(sum(gap_seconds) filter (where is_request and gap_seconds <= 1800), 0) as sum_gap_seconds,
    coalesce(sum(gap_seconds * gap_seconds) filter (where is_request and gap_seconds <= 1800), 0)
        as sum_squared_gap_seconds,
    coalesce(max(n_in_minute) filter (where is_request), 0)::int as max_requests_per_minute,
    (count(*) filter (where action = 'payment_method_change'))::int as n_payment_method_changes,
    (count(*) filter (where action = 'payment_failed'))::int as n_failed_payments
from followed
group by subject, event_day, known_on
