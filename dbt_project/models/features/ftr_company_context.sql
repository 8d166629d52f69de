-- How active a company has been at a weekly cutoff: context for personalization. Never an input of a trained model.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['cutoff_on', 'company'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_company_day']) }}",
        "{{ delete_dirty_cutoffs(ref('agg_company_day'), window_days=28, horizon_days=0) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with cutoffs as (
    {{ cutoffs_to_build(ref('agg_company_day'), horizon_days=0) }}
),

days as (
    select c.cutoff_on, d.*, c.cutoff_on - d.event_day <= 7 as is_last_week
    from cutoffs as c
    inner join {{ ref('agg_company_day') }} as d
        on c.cutoff_on - 28 <= d.event_day and c.cutoff_on > d.event_day
)

select
    cutoff_on,
    company,
    count(*)::double precision as n_active_days_28d,
    sum(n_events)::double precision as n_events_28d,
    coalesce(sum(n_events) filter (where is_last_week), 0)::double precision as n_events_7d,
    {{ share('sum(n_subjects)', 'count(*)') }} as mean_daily_subjects_28d,
    max(n_subjects)::double precision as max_daily_subjects_28d,
    {{ share('sum(n_components)', 'count(*)') }} as mean_daily_components_28d,
    {{ share('4 * sum(n_events) filter (where is_last_week)', 'sum(n_events)') }} as trend_7d_to_28d
from days
group by cutoff_on, company
