-- Steps of visits: how many visits of a day went from one action to the next, and where they ended.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'step_no', 'from_step', 'to_step'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_visits']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with visits as (
    select subject, event_day, n_steps, steps
    from {{ ref('agg_analytics_visits') }}
    {{ where_dirty_day() }}
),

moves as (
    select
        v.subject,
        v.event_day,
        s.step_no,
        case when s.step_no = 1 then '(start)' else v.steps[s.step_no - 1] end as from_step,
        case
            when s.step_no <= cardinality(v.steps) then v.steps[s.step_no]
            when v.n_steps > cardinality(v.steps) then '(more)'
            else '(end)'
        end as to_step
    from visits as v
    cross join lateral generate_series(1, cardinality(v.steps) + 1) as s (step_no)
),

-- By person first: hashing them beats sorting them.
of_people as (
    select event_day, step_no, from_step, to_step, subject, count(*) as n_visits
    from moves
    group by event_day, step_no, from_step, to_step, subject
)

select
    event_day,
    step_no,
    from_step,
    to_step,
    sum(n_visits)::int as n_visits,
    count(*)::int as n_people
from of_people
group by event_day, step_no, from_step, to_step
