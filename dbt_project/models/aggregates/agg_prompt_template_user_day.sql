-- How a prompt template worked for a person on a UTC day. Sums that add up over people and days.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['event_day', 'prompt_template', 'subject'], 'unique': true}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select *
    from {{ ref('stg_analytics_events') }}
    where event_type = 'ai' and subject is not null
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    prompt_template,
    subject,
    event_day,
    count(*)::int as n_events,
    (count(*) filter (where action = 'prompt'))::int as n_prompts,
    (count(*) filter (where action = 'response'))::int as n_answers,
    (count(*) filter (where action = 'response' and not coalesce(has_succeeded, true)))::int as n_failed_answers,
    (count(*) filter (where is_regenerated))::int as n_regenerated,
    (count(*) filter (where is_edited))::int as n_edited,
    (count(is_edited))::int as n_judged_edits,
    count(quality)::int as n_qualities,
    coalesce(sum(quality), 0) as sum_quality,
    count(rating)::int as n_ratings,
    coalesce(sum(rating), 0) as sum_ratings,
    coalesce(sum(n_tokens), 0) as sum_tokens,
    coalesce(sum(cost), 0) as sum_cost,
    count(latency_ms)::int as n_latencies,
    coalesce(sum(latency_ms), 0) as sum_latency_ms
from events
where prompt_template is not null
group by prompt_template, subject, event_day
