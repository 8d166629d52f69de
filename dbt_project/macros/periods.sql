{# Days and weeks that mart_lifecycle looks at: a period, and what became of its people in the next one. #}

{#
  Pre-hook: a dirty day changes its own day and week and the next ones, which look back at it. It can also be the last
  of all, or no longer be it; then the period after the last one before it begins, or ends, to be shown.
#}
{% macro delete_dirty_periods(days, weeks) %}
    {% if is_incremental() %}
    create temporary table dirty_periods on commit drop as
    select 'day' as period, event_day + step as starts_on
    from dirty_days cross join generate_series(0, 1) as step
    union
    select 'day', (select max(r.event_day) from {{ days }} as r where r.event_day < d.event_day) + 1
    from dirty_days as d
    union
    select 'week', {{ week_of('event_day') }} + 7 * step
    from dirty_days cross join generate_series(0, 1) as step
    union
    select 'week', (select max(r.week_on) from {{ weeks }} as r where r.week_on < {{ week_of('d.event_day') }}) + 7
    from dirty_days as d;
    analyze dirty_periods;
    delete from {{ this }} as t using dirty_periods as d
    where t.starts_on = d.starts_on and t.period = d.period
    {% endif %}
{% endmacro %}

{# Periods, up to the last with anybody, in which or before which somebody was active. #}
{% macro periods_to_build(relation, column, period, length) -%}
    select starts_on
    from (
        {% if is_incremental() -%}
        select d.starts_on from dirty_periods as d
        where d.period = '{{ period }}' and exists (
            select 1 from {{ relation }} as r
            where r.{{ column }} = d.starts_on or r.{{ column }} = d.starts_on - {{ length }}
        )
        {%- else -%}
        select distinct {{ column }} + step as starts_on
        from {{ relation }} cross join unnest(array[0, {{ length }}]) as step
        {%- endif %}
    ) as periods
    where starts_on <= (select max({{ column }}) from {{ relation }})
{%- endmacro %}
