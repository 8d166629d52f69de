-- A prompt with what followed until the person's next prompt of the day: answers, ratings, edits.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'event_day', 'exchange_no'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select *
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
),

numbered as (
    select
        subject, event_day, event_id, occurred_at, action, ai_model, intent, prompt_template, prompt_length, n_tokens,
        latency_ms, rating, is_edited, is_regenerated, is_error, cost,
        sum((action = 'prompt')::int) over (
            partition by subject, event_day order by occurred_at, event_id rows unbounded preceding
        ) as exchange_no
    from events
    where subject is not null and is_bot is not true and action in ('prompt', 'response', 'rating')
)

select
    subject,
    event_day,
    exchange_no::int as exchange_no,
    coalesce(
        min(ai_model) filter (where action = 'response'), min(ai_model) filter (where action = 'prompt'), 'unknown'
    ) as ai_model,
    coalesce(min(intent) filter (where action = 'prompt'), 'unknown') as intent,
    coalesce(min(prompt_template) filter (where action = 'prompt'), 'none') as prompt_template,
    max(prompt_length) as prompt_length,
    (count(*) filter (where action = 'response'))::int as n_responses,
    bool_or(action = 'response' and not is_error) as has_succeeded,
    min(latency_ms) filter (where action = 'response') as latency_ms,
    coalesce(sum(n_tokens) filter (where action = 'prompt'), 0) as n_prompt_tokens,
    coalesce(sum(n_tokens) filter (where action = 'response'), 0) as n_response_tokens,
    coalesce(sum(cost), 0) as total_cost,
    (array_agg(rating order by occurred_at desc, event_id desc) filter (where action = 'rating'))[1] as rating,
    coalesce(bool_or(is_edited), false) as is_edited,
    coalesce(bool_or(is_regenerated), false) as is_regenerated
from numbered
where exchange_no > 0
group by subject, event_day, exchange_no
