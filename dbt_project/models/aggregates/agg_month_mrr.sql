-- The month's MRR of all companies together, exact: from start to end by movement. mart_mrr_movements publishes it.
{{ config(materialized='table') }}

with changes as (
    select * from {{ ref('agg_company_month_mrr') }}
),

newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

months as (
    select generate_series(
        (select min(month_on) from changes), (select last_day from newest), interval '1 month'
    )::date as month_on
),

sums as (
    select
        month_on,
        {% for movement in mrr_movements() -%}
        count(*) filter (where movement = '{{ movement }}') as n_{{ movement }},
        coalesce(sum(mrr_change) filter (where movement = '{{ movement }}'), 0) as {{ movement }}_mrr,
        {% endfor -%}
        sum(mrr_change) as mrr_change,
        count(*) filter (where mrr_before = 0) - count(*) filter (where mrr_after = 0) as customers_change
    from changes
    group by month_on
),

every_month as (
    select
        m.month_on,
        {% for movement in mrr_movements() -%}
        coalesce(s.n_{{ movement }}, 0) as n_{{ movement }},
        coalesce(s.{{ movement }}_mrr, 0) as {{ movement }}_mrr,
        {% endfor -%}
        coalesce(s.mrr_change, 0) as mrr_change,
        sum(coalesce(s.mrr_change, 0)) over so_far as mrr_end,
        coalesce(s.customers_change, 0) as customers_change,
        sum(coalesce(s.customers_change, 0)) over so_far as n_customers_end
    from months as m
    left join sums as s on m.month_on = s.month_on
    window so_far as (order by m.month_on)
)

select
    month_on,
    (n_customers_end - customers_change)::bigint as n_customers_start,
    n_customers_end::bigint as n_customers_end,
    {% for movement in mrr_movements() -%}
    n_{{ movement }},
    {{ movement }}_mrr,
    {% endfor -%}
    mrr_end - mrr_change as mrr_start,
    mrr_change,
    mrr_end
from every_month
