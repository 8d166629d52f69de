-- How safely a subject signs in, at a weekly cutoff: from what was known then of the 90 days before.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'agg_user_security_day', 'agg_user_activity_day']) }}",
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

signed_in as (
    select a.cutoff_on, a.subject, sums.*
    from active as a
    cross join lateral (
        select
            {{ sum_of('n_logins', 28) }} as n_logins_28d,
            {{ sum_of('n_logins') }} as n_logins_90d,
            {{ sum_of('n_failed_logins', 7) }} as n_failed_logins_7d,
            {{ sum_of('n_failed_logins') }} as n_failed_logins_90d,
            {{ share('sum(d.n_failed_logins)', 'sum(d.n_failed_logins + d.n_logins)') }} as failed_login_share_90d,
            coalesce(a.cutoff_on - max(d.event_day) filter (where d.n_failed_logins > 0), 91)::double precision
                as failed_login_recency_days_90d,
            {{ per('n_mfa', 'n_logins') }} as mfa_per_login_90d,
            {{ per('n_failed_mfa', 'n_mfa') }} as failed_mfa_share_90d,
            {{ sum_of('n_password_resets') }} as n_password_resets_90d,
            {{ per('sum_risk_score', 'n_risks') }} as mean_risk_score_90d,
            coalesce(max(d.max_risk_score), 0)::double precision as max_risk_score_90d,
            {{ sum_of('n_accesses') }} as n_accesses_90d,
            {{ per('n_denied_accesses', 'n_accesses') }} as denied_access_share_90d,
            {{ sum_of('n_threats') }} as n_threats_90d,
            {{ sum_of('n_severe_threats') }} as n_severe_threats_90d,
            {{ sum_of('n_unblocked_threats') }} as n_unblocked_threats_90d
        from {{ ref('agg_user_security_day') }} as d
        where {{ known_before() }}
    ) as sums
),

seen as (
    select a.cutoff_on, a.subject, networks.first_on
    from active as a
    cross join lateral (
        select min(d.event_day) as first_on
        from {{ ref('agg_user_activity_day') }} as d
        cross join lateral unnest(d.networks) as items (item)
        where {{ known_before() }}
        group by items.item
    ) as networks
),

networks as (
    select cutoff_on, subject, count(*) as n_new
    from seen
    where first_on >= cutoff_on - 7
    group by cutoff_on, subject
)

select
    a.*,
    coalesce(n.n_new, 0)::double precision as n_new_networks_7d
from signed_in as a
left join networks as n on a.cutoff_on = n.cutoff_on and a.subject = n.subject
