-- Where visits of a day went from each step, and where they ended (drop-out). A flow chart's edges.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'step_no', 'from_step', 'to_step'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_journey_steps']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with steps as (
    select
        *,
        sum(n_visits) over (partition by event_day, step_no, from_step) as n_visits_from
    from {{ ref('agg_journey_steps') }}
    {{ where_dirty_day() }}
)

select
    event_day,
    step_no,
    from_step,
    to_step,
    to_step = '(end)' as is_drop_out,
    n_visits,
    n_people,
    n_visits_from,
    n_visits::double precision / n_visits_from as share_of_from
from steps
where n_people >= {{ var('k_people') }}
