-- Lifetime value of companies by the month of their first revenue: what they have paid, and what is simply expected.
{{ config(materialized='table') }}

with newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

paid as (
    select
        p.company,
        min(p.started_on) as first_paid_on,
        sum(p.mrr * (least(coalesce(p.ended_on, n.last_day + 1), n.last_day + 1) - p.started_on)) as mrr_days,
        sum(least(coalesce(p.ended_on, n.last_day + 1), n.last_day + 1) - p.started_on) as n_days,
        sum(p.mrr) filter (where p.ended_on is null or p.ended_on > n.last_day) as mrr
    from {{ ref('agg_subscription_periods') }} as p
    cross join newest as n
    where p.mrr > 0
    group by p.company
),

cohorts as (
    select
        date_trunc('quarter', first_paid_on)::date as cohort_on,
        count(*) as n_companies,
        count(mrr) as n_running,
        sum(mrr_days) / {{ days_of_month() }} as revenue,
        sum(n_days) / {{ days_of_month() }} as subscription_months,
        coalesce(sum(mrr), 0) as mrr
    from paid
    group by date_trunc('quarter', first_paid_on)
)

select
    cohort_on,
    n_companies,
    n_running,
    round(revenue, 2) as revenue,
    round(revenue / n_companies, 2) as revenue_per_company,
    mrr,
    round(revenue / nullif(subscription_months, 0), 2) as revenue_per_month,
    round((n_companies - n_running) / nullif(subscription_months, 0), 6) as monthly_churn_rate,
    round(revenue / nullif(n_companies - n_running, 0), 2) as simple_ltv
from cohorts
where n_companies >= {{ var('k_people', 5) }}
