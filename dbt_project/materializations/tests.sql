{#
  dbt's own query of a test, without workers (dbt's threads keep the cores busy) and by the index: the planner takes unverified days for ten and, where days do not lie in
  order, reads all events instead of one day. A full refresh tests every day.
#}
{% macro postgres__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {%- if not flags.FULL_REFRESH %} set local enable_seqscan = off; {% endif -%}
    set local max_parallel_workers_per_gather = 0;
    {{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}
