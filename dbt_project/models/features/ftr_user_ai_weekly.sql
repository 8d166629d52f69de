-- How a subject works with the assistant, at a weekly cutoff: from what was known then of the 90 days before.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'agg_user_ai_day']) }}",
        "{{ delete_dirty_cutoffs(ref('agg_user_day'), window_days=90, horizon_days=0) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with cutoffs as (
    {{ cutoffs_to_build(ref('agg_user_day'), horizon_days=0) }}
),

active as (
    {{ active_subjects('cutoffs', ref('agg_user_day')) }}
),

asked as (
    select a.cutoff_on, a.subject, sums.*
    from active as a
    cross join lateral (
        select
            {{ sum_of('n_prompts', 7) }} as n_prompts_7d,
            {{ sum_of('n_prompts', 28) }} as n_prompts_28d,
            {{ sum_of('n_prompts') }} as n_prompts_90d,
            {{ sum_of('n_answers') }} as n_answers_90d,
            (count(distinct d.event_day))::double precision as n_ai_days_90d,
            coalesce(a.cutoff_on - max(d.event_day), 91)::double precision as ai_recency_days_90d,
            {{ per('sum_prompt_length', 'n_lengths') }} as mean_prompt_length_90d,
            {{ per('sum_complexity', 'n_complexities') }} as mean_prompt_complexity_90d,
            {{ per('sum_sentiment', 'n_sentiments') }} as mean_sentiment_90d,
            {{ per('sum_sentiment', 'n_sentiments', 28) }} as mean_sentiment_28d,
            {{ per('sum_prompt_tokens', 'n_sized_prompts') }} as mean_prompt_tokens_90d,
            {{ per('sum_answer_tokens', 'n_sized_answers') }} as mean_answer_tokens_90d,
            {{ per('sum_latency_ms', 'n_latencies') }} as mean_answer_latency_ms_90d,
            {{ per('sum_quality', 'n_qualities') }} as mean_answer_quality_90d,
            {{ sum_of('n_ratings') }} as n_answer_ratings_90d,
            {{ per('sum_ratings', 'n_ratings') }} as mean_answer_rating_90d,
            {{ per('n_edited', 'n_judged_edits') }} as edited_share_90d,
            {{ per('n_regenerated', 'n_answers') }} as regenerated_share_90d,
            {{ per('n_failed_answers', 'n_answers') }} as failed_answer_share_90d,
            {{ sum_of('sum_cost') }} as answer_cost_90d
        from {{ ref('agg_user_ai_day') }} as d
        where {{ known_before() }}
    ) as sums
)

select
    a.*,
    {{ n_different(ref('agg_user_ai_day'), 'intents') }} as n_intents_90d,
    {{ n_different(ref('agg_user_ai_day'), 'languages') }} as n_languages_90d,
    {{ n_different(ref('agg_user_ai_day'), 'prompt_templates') }} as n_prompt_templates_90d
from asked as a
