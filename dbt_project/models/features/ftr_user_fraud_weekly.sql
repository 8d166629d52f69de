-- Signs of automation, sharing and fraud, at a weekly cutoff: from what was known then of the 90 days before.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'agg_user_activity_day', 'agg_user_requests_day', 'agg_api_key_day']) }}",
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

activity as (
    select a.cutoff_on, a.subject, sums.*
    from active as a
    cross join lateral (
        select
            {{ last_week_trend('n_events', at_least=4) }} as usage_spike_35d,
            {{ per('n_events_from_00h', 'n_events', 28) }} as night_share_28d,
            bit_count((
                coalesce(bit_or(d.hours_of_day) filter (where d.event_day >= a.cutoff_on - 7), 0)
                & ~coalesce(bit_or(d.hours_of_day) filter (where d.event_day < a.cutoff_on - 7), 0)
            )::bit(24))::double precision as n_unusual_hours_7d
        from {{ ref('agg_user_activity_day') }} as d
        where {{ known_before() }}
    ) as sums
),

requests as (
    select a.cutoff_on, a.subject, sums.*
    from active as a
    cross join lateral (
        select
            {{ sum_of('n_requests', 28) }} as n_requests_28d,
            {{ per('n_rapid_requests', 'n_requests', 28) }} as rapid_request_share_28d,
            {{ per('n_repeated_requests', 'n_requests', 28) }} as repeated_request_share_28d,
            {{ request_regularity(28) }} as request_regularity_28d,
            coalesce(max(d.max_requests_per_minute) filter (where d.event_day >= a.cutoff_on - 28), 0)::double precision
                as max_requests_per_minute_28d,
            {{ sum_of('n_payment_method_changes') }} as n_payment_method_changes_90d,
            {{ sum_of('n_failed_payments') }} as n_failed_payments_90d
        from {{ ref('agg_user_requests_day') }} as d
        where {{ known_before() }}
    ) as sums
),

keys as (
    {{ shared_keys('cutoffs', ref('agg_api_key_day'), 28) }}
)

select
    a.*,
    r.n_requests_28d,
    r.rapid_request_share_28d,
    r.repeated_request_share_28d,
    r.request_regularity_28d,
    r.max_requests_per_minute_28d,
    {{ automation_score('r', 'a') }} as automation_score_28d,
    {{ n_different(ref('agg_user_activity_day'), 'networks', 28) }} as n_networks_28d,
    coalesce(k.n_keys, 0)::double precision as n_api_keys_28d,
    coalesce(k.n_people, 0)::double precision as n_people_of_api_key_28d,
    r.n_payment_method_changes_90d,
    r.n_failed_payments_90d
from activity as a
inner join requests as r on a.cutoff_on = r.cutoff_on and a.subject = r.subject
left join keys as k on a.cutoff_on = k.cutoff_on and a.subject = k.subject
