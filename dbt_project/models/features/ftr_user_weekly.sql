-- Features of each subject active in the 90 days before a weekly cutoff, from the 365 days before it and no later.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'ses_sessions']) }}",
        "{{ delete_dirty_cutoffs(ref('agg_user_day'), window_days=365, horizon_days=0) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with cutoffs as (
    {{ cutoffs_to_build(ref('agg_user_day'), horizon_days=0) }}
),

active as (
    {{ active_subjects('cutoffs', ref('agg_user_day')) }}
),

profiles as (
    select a.cutoff_on, a.subject, activity.*, sessions.*, variety.*
    from active as a
    cross join lateral (
        select {{ activity_features('a.cutoff_on') }}
        from ({{ days_with_gaps(ref('agg_user_day'), 'a.subject', 'a.cutoff_on') }}) as d
    ) as activity
    cross join lateral (
        select {{ session_features('a.cutoff_on') }}
        from {{ ref('ses_sessions') }} as s
        where s.subject = a.subject and s.started_on >= a.cutoff_on - 90 and s.started_on < a.cutoff_on
    ) as sessions
    cross join lateral (
        select
            count(distinct component_used)::double precision as n_components_90d,
            count(distinct action_done)::double precision as n_actions_90d
        from {{ ref('agg_user_day') }} as d
        cross join lateral unnest(d.components, d.actions) as used (component_used, action_done)
        where d.subject = a.subject and d.event_day >= a.cutoff_on - 90 and d.event_day < a.cutoff_on
    ) as variety
),

companies as (
    select c.cutoff_on, c.company, colleagues.*
    from (select distinct cutoff_on, company from profiles where company is not null) as c
    cross join lateral (
        select
            (count(distinct subject) filter (where event_day >= c.cutoff_on - 28))::double precision as n_28d,
            count(distinct subject)::double precision as n_90d
        from {{ ref('agg_user_day') }} as d
        where d.company = c.company and d.event_day >= c.cutoff_on - 90 and d.event_day < c.cutoff_on
    ) as colleagues
)

select
    p.*,
    p.recency_days / p.gap_mean_days_365d as recency_per_gap_mean,
    p.recency_days / p.gap_max_days_365d as recency_per_gap_max,
    (p.company is not null)::int::double precision as has_company,
    coalesce(c.n_28d, 0) as company_n_active_subjects_28d,
    coalesce(c.n_90d, 0) as company_n_active_subjects_90d
from profiles as p
left join companies as c on p.cutoff_on = c.cutoff_on and p.company = c.company
