-- Frequent workflows of a day: runs of two to four steps that at least k people took. What resources are made from.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'pattern'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, subject, event_day, occurred_at, action
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
),

marked as (
    select
        *,
        coalesce(occurred_at - lag(occurred_at) over same_day > {{ session_gap() }}, true) as is_start,
        coalesce(action <> lag(action) over same_day, true) as is_other
    from events
    window same_day as (partition by subject, event_day order by occurred_at, event_id)
),

steps as (
    select
        *,
        sum(is_start::int) over (
            partition by subject, event_day order by occurred_at, event_id rows unbounded preceding
        ) as run_no
    from marked
    where is_start or is_other
),

runs as (
    select
        subject,
        event_day,
        action as step_1,
        lead(action) over run as step_2,
        lead(action, 2) over run as step_3,
        lead(action, 3) over run as step_4
    from steps
    window run as (partition by subject, event_day, run_no order by occurred_at, event_id)
),

grams as (
    select r.subject, r.event_day, g.n_steps, g.pattern, count(*) as n_uses
    from runs as r
    cross join lateral (
        values
        (2, r.step_1 || ' > ' || r.step_2),
        (3, r.step_1 || ' > ' || r.step_2 || ' > ' || r.step_3),
        (4, r.step_1 || ' > ' || r.step_2 || ' > ' || r.step_3 || ' > ' || r.step_4)
    ) as g (n_steps, pattern)
    where g.pattern is not null
    group by r.subject, r.event_day, g.n_steps, g.pattern
)

select
    event_day,
    n_steps,
    pattern,
    sum(n_uses)::bigint as n_uses,
    count(*) as n_people
from grams
group by event_day, n_steps, pattern
having count(*) >= {{ var('k_people') }}
