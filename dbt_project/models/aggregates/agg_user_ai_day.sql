-- What a subject asked the assistant on a UTC day, and how it answered: sums that add up over days, and small sets.
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
    select *
    from {{ ref('stg_training_events') }}
    where event_type = 'ai'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    subject,
    event_day,
    known_on,
    count(*)::int as n_events,
    (count(*) filter (where action = 'prompt'))::int as n_prompts,
    (count(*) filter (where action = 'response'))::int as n_answers,
    (count(*) filter (where action = 'response' and not coalesce(has_succeeded, true)))::int as n_failed_answers,
    (count(*) filter (where is_regenerated))::int as n_regenerated,
    (count(*) filter (where is_edited))::int as n_edited,
    (count(is_edited))::int as n_judged_edits,
    {%- for n, sum, column, where in [
        ('n_lengths', 'sum_prompt_length', 'prompt_length', 'true'),
        ('n_complexities', 'sum_complexity', 'prompt_complexity', 'true'),
        ('n_sentiments', 'sum_sentiment', 'sentiment', 'true'),
        ('n_sized_prompts', 'sum_prompt_tokens', 'n_tokens', "action = 'prompt'"),
        ('n_sized_answers', 'sum_answer_tokens', 'n_tokens', "action = 'response'"),
        ('n_latencies', 'sum_latency_ms', 'latency_ms', 'true'),
        ('n_qualities', 'sum_quality', 'quality', 'true'),
        ('n_ratings', 'sum_ratings', 'rating', 'true'),
        ('n_costs', 'sum_cost', 'cost', 'true')
    ] %}
    (count({{ column }}) filter (where {{ where }}))::int as {{ n }},
    coalesce(sum({{ column }}) filter (where {{ where }}), 0) as {{ sum }},
    {%- endfor %}
    array_agg(distinct intent) filter (where intent is not null) as intents,
    array_agg(distinct language) filter (where language is not null) as languages,
    array_agg(distinct prompt_template) filter (where prompt_template is not null) as prompt_templates
from events
group by subject, event_day, known_on
