{# A model's schema is the one it names: staging, sessions, aggregates, features, marts. No target prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
