-- No step of a funnel was reached by more people than the step before, and none is shown without it.
with steps as (
    select
        step_no,
        n_people,
        lag(n_people) over down as n_before,
        lag(step_no) over down as step_before
    from {{ ref('mart_conversion_funnels') }}
    window down as (partition by funnel, entered_week order by step_no)
)

select count(*) as n_faults
from steps
where n_people > n_before or step_no <> coalesce(step_before, 0) + 1
having count(*) > 0
