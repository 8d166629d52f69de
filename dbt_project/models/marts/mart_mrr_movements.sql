-- How monthly recurring revenue moves from month to month. Movements of fewer than k companies are withheld.
{{ config(materialized='table') }}

with months as (
    select * from {{ ref('agg_month_mrr') }}
),

movements as (
    {% for movement in mrr_movements() -%}
    select month_on, '{{ movement }}' as movement, n_{{ movement }} as n_companies, {{ movement }}_mrr as mrr_change
    from months
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

published as (
    select p.month_on, p.movement, p.n_companies, m.mrr_change
    from {{ withhold_small_parts('movements', ['month_on'], ['movement'], 'n_companies', var('k_people', 5)) }} as p
    inner join movements as m on p.month_on = m.month_on and p.movement = m.movement
    where p.n_companies is not null
),

wide as (
    select
        month_on,
        {% for movement in mrr_movements() -%}
        max(n_companies) filter (where movement = '{{ movement }}') as n_{{ movement }},
        max(mrr_change) filter (where movement = '{{ movement }}') as {{ movement }}_mrr{{ ',' if not loop.last }}
        {% endfor %}
    from published
    group by month_on
)

select
    m.month_on,
    m.n_customers_start + m.n_new + m.n_reactivation as n_companies,
    m.n_customers_start,
    m.n_customers_end,
    m.mrr_start,
    {% for movement in mrr_movements() -%}
    w.n_{{ movement }},
    w.{{ movement }}_mrr,
    {% endfor -%}
    m.mrr_change,
    m.mrr_end
from months as m
left join wide as w on m.month_on = w.month_on
where m.n_customers_start + m.n_new + m.n_reactivation >= {{ var('k_people', 5) }}
