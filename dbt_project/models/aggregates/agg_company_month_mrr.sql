-- What each month changed in a company's MRR. A month without a net change has no row: nothing is carried forward.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['company', 'month_on'], 'unique': true}, {'columns': ['month_on']}],
    pre_hook=[
        "{{ find_dirty_days(['agg_subscription_periods']) }}",
        "{{ delete_dirty_companies(ref('agg_subscription_periods'), source('safe', 'event_days')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

changes as (
    {{ month_changes(
        ref('agg_subscription_periods'),
        '(select last_day from newest)',
        '__day__ >= (select min(first_month) from dirty_companies) and exists (
            select 1 from dirty_companies as d where d.company = p.company and __day__ >= d.first_month)'
        if is_incremental() else 'true'
    ) }}
),

earlier as (
    {% if is_incremental() -%}
    select d.company, previous.mrr_after
    from dirty_companies as d
    cross join lateral (
        select b.mrr_after from {{ this }} as b
        where b.company = d.company and b.month_on < d.first_month
        order by b.month_on desc
        limit 1
    ) as previous
    {%- else -%}
    select company, mrr_change as mrr_after from changes where false
    {%- endif %}
),

summed as (
    select
        c.company,
        c.month_on,
        c.mrr_change,
        coalesce(e.mrr_after, 0) + sum(c.mrr_change) over months as mrr_after,
        e.company is null and row_number() over months = 1 as is_first
    from changes as c
    left join earlier as e on c.company = e.company
    window months as (partition by c.company order by c.month_on)
)

select
    company,
    month_on,
    mrr_after - mrr_change as mrr_before,
    mrr_change,
    mrr_after,
    case
        when is_first then 'new'
        when mrr_after = mrr_change then 'reactivation'
        when mrr_after = 0 then 'churn'
        when mrr_change > 0 then 'expansion'
        else 'contraction'
    end as movement
from summed
