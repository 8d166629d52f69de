{# A model's schema is the one it names: staging, sessions, aggregates, features, marts. A developer has one schema for all. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (target.schema if target.name == 'dev' else custom_schema_name or target.schema) | trim }}
{%- endmacro %}
