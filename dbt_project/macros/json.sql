{# Typed reads of one JSON key; null where the key is absent or of another type. Used in staging only. #}
{% macro json_number(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'number' then ({{ column }} ->> '{{ key }}')::numeric end
{%- endmacro %}

{% macro json_flag(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'boolean' then ({{ column }} ->> '{{ key }}')::boolean end
{%- endmacro %}
