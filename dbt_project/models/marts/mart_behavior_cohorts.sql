-- People active in a week by how much they use the assistant: power, casual, dormant.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['week_on', 'cohort'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_user_week']) }}", "{{ delete_dirty_weeks() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with weeks as (
    select
        week_on,
        n_ai_interactions,
        n_active_days,
        case
            when n_ai_interactions > 100 then 'power'
            when n_ai_interactions >= 10 then 'casual'
            else 'dormant'
        end as cohort
    from {{ ref('agg_analytics_user_week') }}
    {{ where_dirty_week() }}
),

sums as (
    select
        week_on,
        cohort,
        count(*) as n_people,
        sum(n_ai_interactions) as n_ai_interactions,
        sum(n_active_days) as n_active_days
    from weeks
    group by week_on, cohort
),

published as (
    select week_on, cohort, n_people
    from {{ withhold_small_parts('sums', ['week_on'], ['cohort'], 'n_people', var('k_people')) }} as parts
    where n_people is not null
)

select
    p.week_on,
    p.cohort,
    p.n_people,
    s.n_ai_interactions::bigint as n_ai_interactions,
    s.n_active_days::bigint as n_active_days,
    s.n_ai_interactions::double precision / p.n_people as ai_interactions_per_person
from published as p
inner join sums as s on p.week_on = s.week_on and p.cohort = s.cohort
