{# Experiments as registered in dbt_project.yml. docs/revenue.md says what the marts do with them. #}

{# Days from the first exposure in which an outcome counts. The same for all, so that a dirty day reaches 14 days back. #}
{% macro outcome_days() -%} 14 {%- endmacro %}

{# The registry as rows. #}
{% macro registered_experiments() -%}
    {%- for name, plan in var('experiments', {}).items() -%}
    select
        '{{ name }}' as experiment,
        '{{ plan.outcome }}' as outcome,
        '{{ plan.control }}' as control,
        {{ plan.planned_per_variant }}::bigint as planned_per_variant
    {{ 'union all' if not loop.last }}
    {% else -%}
    select null::text as experiment, null::text as outcome, null::text as control, null::bigint as planned_per_variant
    where false
    {%- endfor -%}
{%- endmacro %}

{#
  Pre-hook: people of an experiment whose row dirty days can have changed: exposed on one, or exposed first in the
  days before one, when an outcome of it counts.
#}
{% macro delete_dirty_participants(exposures) %}
    {% if is_incremental() %}
    create temporary table dirty_participants on commit drop as
    select experiment, subject from {{ exposures }}
    where event_day = any(array(select event_day from dirty_days))
    union
    select experiment, subject from {{ this }}
    where first_on = any(array(
        select event_day - step from dirty_days cross join generate_series(0, {{ outcome_days() }} - 1) as step
    ));
    analyze dirty_participants;
    delete from {{ this }} as p using dirty_participants as d
    where p.experiment = d.experiment and p.subject = d.subject
    {% endif %}
{% endmacro %}

{# Critical values of chi-square at p = 0.001, by degrees of freedom (Abramowitz & Stegun 1964, table 26.8). #}
{% macro chi_square_critical(degrees) -%}
    (array[10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877, 29.588])[{{ degrees }}]
{%- endmacro %}
