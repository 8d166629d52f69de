-- Features of each subject active in the 90 days before a weekly cutoff, from what was known then of 365 days.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day', 'agg_user_day_superseded']) }}",
        "{{ delete_dirty_cutoffs(ref('agg_user_day'), window_days=365, horizon_days=0) }}"
    ],
    post_hook=[
        "{{ record_built_days() }}",
        "{{ create_user_lookup(ref('agg_user_day_versions'), ref('agg_user_day')) }}"
    ]
) }}

with cutoffs as (
    {{ cutoffs_to_build(ref('agg_user_day'), horizon_days=0) }}
),

active as (
    {{ active_subjects('cutoffs', ref('agg_user_day')) }}
)

select * from ({{ user_features('active', ref('agg_user_day_versions')) }}) as rows_of_subjects
