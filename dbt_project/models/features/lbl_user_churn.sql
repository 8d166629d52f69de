-- What became of the subjects of ftr_user_weekly: no event in the 28 days from the cutoff. Complete horizons only.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['cutoff_on', 'subject'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_day']) }}",
        "{{ delete_dirty_cutoffs(ref('agg_user_day'), window_days=90, horizon_days=28) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with cutoffs as (
    {{ cutoffs_to_build(ref('agg_user_day'), horizon_days=28) }}
),

active as (
    {{ active_subjects('cutoffs', ref('agg_user_day')) }}
)

select
    a.cutoff_on,
    a.subject,
    not exists (
        select 1 from {{ ref('agg_user_day') }} as d
        where d.subject = a.subject and d.event_day >= a.cutoff_on and d.event_day < a.cutoff_on + 28
    ) as is_churned
from active as a
