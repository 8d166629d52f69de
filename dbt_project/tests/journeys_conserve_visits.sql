-- On an unverified day every visit starts once, and as many visits leave a step as entered it.
with edges as (
    select * from {{ ref('agg_journey_steps') }} where {{ is_unverified('event_day', 'agg_journey_steps') }}
),

visits as (
    select event_day, count(*) as n_visits from {{ ref('agg_analytics_visits') }}
    where {{ is_unverified('event_day', 'agg_journey_steps') }}
    group by event_day
),

entered as (
    select event_day, step_no + 1 as step_no, to_step as step, sum(n_visits) as n_visits from edges
    where to_step not in ('(end)', '(more)')
    group by event_day, step_no, to_step

    union all
    select event_day, 1 as step_no, '(start)' as step, n_visits from visits
),

left_by as (
    select event_day, step_no, from_step as step, sum(n_visits) as n_visits from edges
    group by event_day, step_no, from_step
)

select count(*) as n_faults
from entered full join left_by using (event_day, step_no, step)
where entered.n_visits is distinct from left_by.n_visits
having count(*) > 0
