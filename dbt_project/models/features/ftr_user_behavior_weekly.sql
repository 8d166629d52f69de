-- What a subject does, when and where, at a weekly cutoff: from what was known then of the 90 days before.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'agg_user_activity_day', 'agg_user_feature_day']) }}",
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

done as (
    select a.cutoff_on, a.subject, sums.*, adopted.*
    from active as a
    cross join lateral (
        select
            {%- for kind in interactions() %}
            {{ sum_of('n_' ~ kind, 28) }} as n_{{ kind }}_28d,
            {%- endfor %}
            {%- for hour in ['00', '04', '08', '12', '16', '20'] %}
            {{ per('n_events_from_' ~ hour ~ 'h', 'n_events') }} as share_from_{{ hour }}h_90d,
            {%- endfor %}
            bit_count(coalesce(bit_or(d.hours_of_day), 0)::bit(24))::double precision as n_hours_of_day_90d,
            {{ per('n_phone_events', 'n_device_events') }} as phone_share_90d,
            {{ per('sum_use_ms', 'n_timed_uses') }} as mean_use_ms_90d,
            {{ share('sum(d.n_events) filter (where d.event_day >= a.cutoff_on - 28)',
                'count(distinct d.event_day) filter (where d.event_day >= a.cutoff_on - 28)') }} as events_per_active_day_28d,
            {{ last_week_trend('n_events') }} as activity_trend_35d,
            {{ per('n_errors', 'n_events', 28) }} as error_share_28d,
            {{ per('n_invalid_forms', 'n_forms') }} as invalid_form_share_90d
        from {{ ref('agg_user_activity_day') }} as d
        where {{ known_before() }}
    ) as sums
    cross join lateral (
        select
            (count(*) filter (where last_on >= a.cutoff_on - 28))::double precision as n_features_28d,
            count(*)::double precision as n_features_90d,
            (count(*) filter (where first_on >= a.cutoff_on - 28))::double precision as n_new_features_28d,
            {{ share('count(*) filter (where first_on < a.cutoff_on - 28 and last_on >= a.cutoff_on - 28)',
                'count(*) filter (where first_on < a.cutoff_on - 28)') }} as retained_feature_share_90d
        from (
            select d.feature, min(d.event_day) as first_on, max(d.event_day) as last_on
            from {{ ref('agg_user_feature_day') }} as d
            where {{ known_before() }}
            group by d.feature
        ) as features
    ) as adopted
)

select
    a.*,
    {{ n_different(ref('agg_user_activity_day'), 'devices') }} as n_devices_90d,
    {{ n_different(ref('agg_user_activity_day'), 'systems') }} as n_systems_90d
from done as a
