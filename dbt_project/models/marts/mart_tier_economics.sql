-- Revenue, costs and margin by tier and month: a company is of the plan that brings it most at the month's end.
{{ config(materialized='table') }}

with costs as (
    select * from {{ ref('agg_company_month_costs') }}
),

newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

months as (
    select m.month_on, least((m.month_on + interval '1 month')::date - 1, n.last_day) as ends_on
    from (select distinct month_on from costs) as m
    cross join newest as n
),

plans as (
    select
        m.month_on,
        p.company,
        (array_agg(p.plan order by p.mrr desc, p.started_at desc, p.plan asc))[1] as plan,
        sum(p.mrr) as mrr,
        sum(p.seats) as n_seats
    from months as m
    inner join {{ ref('agg_subscription_periods') }} as p
        on m.ends_on >= p.started_on and (p.ended_on is null or m.ends_on < p.ended_on)
    group by m.month_on, p.company
),

grouped as (
    select
        month_on,
        coalesce(p.plan, 'none') as plan,
        count(*) as n_companies,
        coalesce(sum(p.n_seats), 0)::bigint as n_seats,
        coalesce(sum(p.mrr), 0) as mrr,
        coalesce(sum(c.compute_cost), 0) as compute_cost,
        coalesce(sum(c.storage_cost), 0) as storage_cost,
        coalesce(sum(c.api_cost), 0) as api_cost,
        coalesce(sum(c.ai_cost), 0) as ai_cost,
        coalesce(sum(c.total_cost), 0) as total_cost
    from plans as p
    full join costs as c using (month_on, company)
    group by month_on, coalesce(p.plan, 'none')
)

select
    *,
    mrr - total_cost as margin,
    round((mrr - total_cost) / n_companies, 2) as margin_per_company,
    round((mrr - total_cost) / nullif(n_seats, 0), 2) as margin_per_seat
from grouped
where n_companies >= {{ var('k_people', 5) }}
