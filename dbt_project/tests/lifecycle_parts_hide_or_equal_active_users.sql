-- New, returning and resurrecting people of a day are its active people; what is withheld of them is at least k.
with parts as (
    select starts_on as event_day, sum(n_people) as n_people
    from {{ ref('mart_lifecycle') }}
    where period = 'day' and status <> 'dormant'
    group by starts_on
)

select count(*) as n_faults
from {{ ref('mart_active_users') }} as totals
left join parts on totals.event_day = parts.event_day
where totals.n_daily_users - coalesce(parts.n_people, 0) < 0
    or totals.n_daily_users - coalesce(parts.n_people, 0) between 1 and {{ var('k_people') }} - 1
having count(*) > 0
