-- How prompt templates work, across companies and by week.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['week_on', 'prompt_template'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_prompt_template_user_day']) }}", "{{ delete_dirty_weeks() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select *, {{ week_of('event_day') }} as week_on
    from {{ ref('agg_prompt_template_user_day') }}
    {{ where_day_of_dirty_week() }}
),

sums as (
    select
        week_on,
        prompt_template,
        count(distinct subject) as n_people,
        count(distinct subject) filter (where n_ratings > 0) as n_raters,
        sum(n_answers) as n_answers,
        sum(n_failed_answers) as n_failed_answers,
        sum(n_regenerated) as n_regenerated,
        sum(n_edited)::numeric / nullif(sum(n_judged_edits), 0) as edit_rate,
        sum(sum_quality) / nullif(sum(n_qualities), 0) as mean_quality,
        sum(sum_ratings) / nullif(sum(n_ratings), 0) as mean_rating,
        sum(sum_latency_ms) / nullif(sum(n_latencies), 0) as mean_latency_ms,
        sum(sum_cost) as sum_cost
    from days
    group by week_on, prompt_template
)

select
    week_on,
    prompt_template,
    n_people,
    n_answers,
    (1 - n_failed_answers::numeric / nullif(n_answers, 0))::double precision as success_rate,
    (n_regenerated::numeric / nullif(n_answers, 0))::double precision as regeneration_rate,
    edit_rate::double precision as edit_rate,
    mean_quality::double precision as mean_quality,
    case when n_raters >= {{ var('k_people') }} then mean_rating end::double precision as mean_rating,
    mean_latency_ms::double precision as mean_latency_ms,
    (sum_cost / nullif(n_answers, 0))::double precision as cost_per_answer
from sums
where n_people >= {{ var('k_people') }}
