-- Customers won by month and channel, and what one cost. Groups of fewer than k companies are left out.
{{ config(materialized='table') }}

with spent as (
    {{ acquisition_costs() }}
),

movements as (
    select company, month_on, mrr_change from {{ ref('agg_company_month_mrr') }}
    where movement = 'new'
),

channels as (
    select distinct on (company) company, acquisition_channel
    from {{ ref('agg_company_channels') }}
    order by company, event_day
),

won as (
    select
        m.month_on,
        coalesce(c.acquisition_channel, 'unknown') as channel,
        count(*) as n_companies,
        sum(m.mrr_change) as new_mrr
    from movements as m
    left join channels as c on m.company = c.company
    group by m.month_on, coalesce(c.acquisition_channel, 'unknown')
)

select
    w.month_on,
    w.channel,
    w.n_companies,
    w.new_mrr,
    s.cost as acquisition_cost,
    round(s.cost / w.n_companies, 2) as cost_per_customer,
    round(s.cost / nullif(w.new_mrr, 0), 2) as months_to_recover
from won as w
left join spent as s on w.month_on = s.month_on and w.channel = s.channel
where w.n_companies >= {{ var('k_people', 5) }}
