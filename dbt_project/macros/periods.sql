{# Days and weeks that mart_lifecycle looks at: a period, and what became of its people in the next one. #}

{# Pre-hook: a dirty day changes its own day and week and the next ones, which look back at it. #}
{% macro delete_dirty_periods() %}
    {% if is_incremental() %}
    create temporary table dirty_periods on commit drop as
    select distinct 'day' as period, event_day + step as starts_on
    from dirty_days cross join generate_series(0, 1) as step
    union
    select 'week', {{ week_of('event_day') }} + 7 * step
    from dirty_days cross join generate_series(0, 1) as step;
    analyze dirty_periods;
    delete from {{ this }} as t using dirty_periods as d
    where t.starts_on = d.starts_on and t.period = d.period
    {% endif %}
{% endmacro %}

{# Periods with at least one active person. One look into the index per period. #}
{% macro periods_to_build(relation, column, period) -%}
    {%- if is_incremental() -%}
    select d.starts_on from dirty_periods as d
    where d.period = '{{ period }}' and exists (select 1 from {{ relation }} as r where r.{{ column }} = d.starts_on)
    {%- else -%}
    select distinct {{ column }} as starts_on from {{ relation }}
    {%- endif -%}
{%- endmacro %}
