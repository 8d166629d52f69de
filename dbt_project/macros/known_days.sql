{#
  Figures of a subject at a weekly cutoff, over rows `d` of a day aggregate for a row `a` of active subjects. Aggregates
  that feed features have a row per day and day of knowledge (known_on): a late event is a row of its own, and sums over
  the rows that were known are what was known.
#}
{% macro known_before(days=90) -%}
    d.subject = a.subject and d.event_day >= a.cutoff_on - {{ days }} and d.event_day < a.cutoff_on
        and d.known_on < a.cutoff_on
{%- endmacro %}

{# A sum over the last so many days. #}
{% macro sum_of(column, days=90) -%}
    coalesce(sum(d.{{ column }}) filter (where d.event_day >= a.cutoff_on - {{ days }}), 0)::double precision
{%- endmacro %}

{# One exact sum per another, over the last so many days; 0 when there is nothing to divide by. #}
{% macro per(part, whole, days=90) -%}
    {{ share('sum(d.' ~ part ~ ') filter (where d.event_day >= a.cutoff_on - ' ~ days ~ ')',
        'sum(d.' ~ whole ~ ') filter (where d.event_day >= a.cutoff_on - ' ~ days ~ ')') }}
{%- endmacro %}

{# How many different values a column of small sets holds, over the last so many days. #}
{% macro n_different(relation, column, days=90) -%}
    (
        select count(distinct item)::double precision
        from {{ relation }} as d
        cross join lateral unnest(d.{{ column }}) as items (item)
        where {{ known_before(days) }}
    )
{%- endmacro %}

{# The last 7 days against a week of the 28 before them, which count as at least `at_least`; 0 when nothing is there. #}
{% macro last_week_trend(column, at_least=0) -%}
    coalesce(
        4 * sum(d.{{ column }}) filter (where d.event_day >= a.cutoff_on - 7)::numeric
        / nullif(greatest(
            sum(d.{{ column }}) filter (where d.event_day >= a.cutoff_on - 35 and d.event_day < a.cutoff_on - 7),
            {{ at_least }}
        ), 0), 0
    )::double precision
{%- endmacro %}
