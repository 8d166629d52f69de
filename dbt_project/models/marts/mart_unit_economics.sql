-- Revenue, costs and what is left, by month, for all customers together.
{{ config(materialized='table') }}

with revenue as (
    select * from {{ ref('agg_month_mrr') }}
),

costs as (
    select
        month_on,
        sum(compute_cost) as compute_cost,
        sum(storage_cost) as storage_cost,
        sum(api_cost) as api_cost,
        sum(ai_cost) as ai_cost,
        sum(total_cost) as total_cost
    from {{ ref('agg_company_month_costs') }}
    group by month_on
),

spent as (
    select month_on, sum(cost) as acquisition_cost
    from ({{ acquisition_costs() }}) as costs_of_channels
    group by month_on
),

joined as (
    select
        r.*,
        c.compute_cost,
        c.storage_cost,
        c.api_cost,
        c.ai_cost,
        coalesce(c.total_cost, 0) as total_cost,
        s.acquisition_cost,
        (r.mrr_end - coalesce(c.total_cost, 0)) / nullif(r.mrr_end, 0) as margin_rate,
        r.n_churn::numeric / nullif(r.n_customers_start, 0) as churn_rate,
        r.mrr_end / nullif(r.n_customers_end, 0) as arpa
    from revenue as r
    left join costs as c on r.month_on = c.month_on
    left join spent as s on r.month_on = s.month_on
)

select
    month_on,
    n_customers_end as n_companies,
    mrr_end as mrr,
    round(arpa, 2) as arpa,
    round((mrr_start + expansion_mrr + contraction_mrr + churn_mrr) / nullif(mrr_start, 0), 6) as nrr,
    round((mrr_start + contraction_mrr + churn_mrr) / nullif(mrr_start, 0), 6) as grr,
    round(churn_rate, 6) as churn_rate,
    compute_cost,
    storage_cost,
    api_cost,
    ai_cost,
    total_cost,
    mrr_end - total_cost as margin,
    round(margin_rate, 6) as margin_rate,
    round(arpa * margin_rate / nullif(churn_rate, 0), 2) as simple_ltv,
    acquisition_cost,
    round(acquisition_cost / nullif(n_new, 0), 2) as cac,
    round(arpa * margin_rate / nullif(churn_rate, 0) / nullif(acquisition_cost / nullif(n_new, 0), 0), 2) as ltv_per_cac
from joined
where n_customers_end >= {{ var('k_people', 5) }}
