{# Subscriptions and revenue: what docs/revenue.md defines. #}

{# Days that a payment without a contract pays for, and that a trial lasts, at the longest. #}
{% macro days_of_cash() -%} 45 {%- endmacro %}
{% macro days_of_trial() -%} 30 {%- endmacro %}

{#
  Pre-hook of agg_subscription_periods: the stretch of each subscription that dirty days can have changed. It begins
  with the statement before them, which they may end, or with the contract that still runs (anchor_at); it ends with
  the next contract, trial or end, since cash under a contract says nothing.
#}
{% macro delete_dirty_stretches(changes) %}
    {% if is_incremental() %}
    create temporary table dirty_stretches on commit drop as
    with touched as (
        select company, subscription_key, min(event_day) as first_day, max(event_day) as last_day
        from (
            select company, subscription_key, event_day from {{ changes }}
            where event_day = any(array(select event_day from dirty_days))
            union all
            select company, subscription_key, started_on from {{ this }}
            where started_on = any(array(select event_day from dirty_days))
            union all
            select company, subscription_key, ended_on from {{ this }}
            where ended_on = any(array(select event_day from dirty_days))
        ) as found
        group by company, subscription_key
    )
    select
        t.company,
        t.subscription_key,
        (select max(c.occurred_at) from {{ changes }} as c
            where c.company = t.company and c.subscription_key = t.subscription_key and not c.is_cash
                and c.occurred_at < t.first_day::timestamp at time zone 'UTC') as anchor_at,
        coalesce((select max(c.occurred_at) from {{ changes }} as c
            where c.company = t.company and c.subscription_key = t.subscription_key
                and c.occurred_at < t.first_day::timestamp at time zone 'UTC'),
            t.first_day::timestamp at time zone 'UTC') as from_at,
        coalesce((select min(c.occurred_at) from {{ changes }} as c
            where c.company = t.company and c.subscription_key = t.subscription_key and not c.is_cash
                and c.occurred_at >= (t.last_day + 1)::timestamp at time zone 'UTC'), 'infinity') as to_at
    from touched as t;
    analyze dirty_stretches;
    delete from {{ this }} as p using dirty_stretches as s
    where p.company = s.company and p.subscription_key = s.subscription_key
        and (p.started_at = s.anchor_at or p.started_at between s.from_at and s.to_at)
    {% endif %}
{% endmacro %}

{#
  Net change of a company's MRR in each month: what began in it less what ended in it. `which` is a condition on the
  day, written __day__.
#}
{% macro month_changes(periods, last_day, which='true') -%}
    select company, month_on, sum(mrr_change) as mrr_change
    from (
        select p.company, date_trunc('month', p.started_on)::date as month_on, p.mrr as mrr_change
        from {{ periods }} as p
        where p.mrr > 0 and {{ which | replace('__day__', 'p.started_on') }}
        union all
        select p.company, date_trunc('month', p.ended_on)::date, -p.mrr
        from {{ periods }} as p
        where p.mrr > 0 and p.ended_on <= {{ last_day }} and {{ which | replace('__day__', 'p.ended_on') }}
    ) as steps
    group by company, month_on
    having sum(mrr_change) <> 0
{%- endmacro %}

{#
  Pre-hook of agg_company_month_mrr. A dirty day changes what began or ended in its month or, through cash and trials
  that run out, in the next ones; a company whose net change is the same in all of these has the same rows in every
  month. The others are built anew from the first month that differs.
#}
{% macro delete_dirty_companies(periods, event_days) %}
    {% if is_incremental() %}
    create temporary table dirty_months on commit drop as
    select distinct date_trunc('month', day)::date as month_on
    from (
        select generate_series(event_day, event_day + {{ days_of_cash() }}, interval '15 days') as day from dirty_days
        union all
        select generate_series(
            (select coalesce(max(event_day), min(d.event_day)) from {{ event_days }}
                where event_day not in (select event_day from dirty_days)),
            max(d.event_day), interval '15 days')
        from dirty_days as d
        union all
        select max(event_day) from dirty_days
    ) as days;
    create temporary table dirty_companies on commit drop as
    select company, min(month_on) as first_month
    from (
        {{ month_changes(periods, '(select max(event_day) from ' ~ event_days ~ ')',
            "__day__ >= (select min(month_on) from dirty_months) and exists (
                select 1 from dirty_months as m
                where __day__ >= m.month_on and __day__ < m.month_on + interval '1 month')") }}
    ) as present
    full join (
        select company, month_on, mrr_change from {{ this }} where month_on in (select month_on from dirty_months)
    ) as built using (company, month_on)
    where present.mrr_change is distinct from built.mrr_change
    group by company;
    analyze dirty_companies;
    delete from {{ this }} as built using dirty_companies as dirty
    where built.company = dirty.company and built.month_on >= dirty.first_month
    {% endif %}
{% endmacro %}

{# The statement next before ('<') or after ('>') a statement c of the same subscription. One index look-up. #}
{% macro statement_beside(changes, side, which='true') -%}
    select b.kind, b.occurred_at
    from {{ changes }} as b
    where b.company = c.company and b.subscription_key = c.subscription_key
        and (b.occurred_at, b.statement_no) {{ side }} (c.occurred_at, c.statement_no) and {{ which }}
    order by b.occurred_at{{ ' desc' if side == '<' }}, b.statement_no{{ ' desc' if side == '<' }}
    limit 1
{%- endmacro %}

{% macro mrr_movements() -%} {% do return(['new', 'reactivation', 'expansion', 'contraction', 'churn']) %} {%- endmacro %}

{# Pre-hook of agg_company_month_costs: whole months around dirty days. #}
{% macro delete_dirty_cost_months() %}
    {% if is_incremental() %}
    create temporary table dirty_cost_months on commit drop as
    select distinct date_trunc('month', event_day)::date as month_on from dirty_days;
    analyze dirty_cost_months;
    delete from {{ this }} where month_on = any(array(select month_on from dirty_cost_months))
    {% endif %}
{% endmacro %}

{# Mean days of a month in the Gregorian calendar. #}
{% macro days_of_month() -%} 30.436875 {%- endmacro %}

{# What was spent to win customers, as dbt_project.yml says, as rows. #}
{% macro acquisition_costs() -%}
    {%- set found = [] -%}
    {%- for month, channels in var('acquisition_costs', {}).items() -%}
    {%- for channel, cost in channels.items() -%}
    {%- do found.append("select date '" ~ month ~ "' as month_on, '" ~ channel ~ "' as channel, "
        ~ cost ~ "::numeric as cost") -%}
    {%- endfor -%}
    {%- endfor -%}
    {{ found | join(' union all ') or 'select null::date as month_on, null::text as channel, 0::numeric as cost where false' }}
{%- endmacro %}
