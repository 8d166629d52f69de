{# Weeks begin on Mondays (UTC) and are named by them. For models with one row per week and something. #}

{% macro week_of(day) -%} (date_trunc('week', {{ day }}))::date {%- endmacro %}

{#
  Pre-hook: a dirty day changes its own week and those `later` weeks (numbers) that look back at it. Their rows are
  deleted; the weeks stay in the temporary table dirty_weeks.
#}
{% macro delete_dirty_weeks(column='week_on', later=[]) %}
    {% if is_incremental() %}
    create temporary table dirty_weeks on commit drop as
    select distinct {{ week_of('event_day') }} + 7 * step as week_on
    from dirty_days
    cross join unnest(array{{ [0] + later }}) as step;
    analyze dirty_weeks;
    delete from {{ this }} where {{ column }} = any(array(select week_on from dirty_weeks))
    {% endif %}
{% endmacro %}

{% macro where_dirty_week(column='week_on') -%}
    {%- if is_incremental() %} where {{ column }} = any(array(select week_on from dirty_weeks)) {% endif -%}
{%- endmacro %}

{# Keep the days of dirty weeks, and of the `n_before` weeks before each. #}
{% macro where_day_of_dirty_week(column='event_day', n_before=0) -%}
    {%- if is_incremental() %} where {{ column }} = any(array(
        select distinct week_on + step
        from dirty_weeks
        cross join generate_series({{ -7 * n_before }}, 6) as step
    )) {% endif -%}
{%- endmacro %}

{# Pre-hook: a dirty day changes itself and the `n_after` days after it that look back at it. #}
{% macro delete_days_after(n_after, column='event_day') %}
    {% if is_incremental() %}
    create temporary table touched_days on commit drop as
    select distinct event_day + step as event_day
    from dirty_days
    cross join generate_series(0, {{ n_after }}) as step;
    analyze touched_days;
    delete from {{ this }} where {{ column }} = any(array(select event_day from touched_days))
    {% endif %}
{% endmacro %}

{% macro where_touched_day(column='event_day') -%}
    {%- if is_incremental() %} where {{ column }} = any(array(select event_day from touched_days)) {% endif -%}
{%- endmacro %}

{# Weeks of days that no test has passed yet, for a test's `where`: "week_on = __unverified_weeks__". #}
{% macro unverified_weeks(model) -%}
    select distinct {{ week_of('event_day') }} from ({{ unverified_days(model) }}) as days
{%- endmacro %}
