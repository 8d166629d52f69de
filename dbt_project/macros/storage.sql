{# Tables of this project and of its sources with their bytes on disk; 0 for what is not built yet. #}
{% macro measured_tables() -%}
    {%- set found = [] -%}
    {%- if execute and graph is defined -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized in ('incremental', 'table') -%}
    {%- do found.append((node.schema, node.alias)) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() -%} {%- do found.append((source.schema, source.identifier)) -%} {%- endfor -%}
    {%- endif -%}
    {%- for schema, table in (found or [('staging', 'model_days')]) | sort %}
    select
        '{{ schema }}'::text as schema_name,
        '{{ table }}'::text as table_name,
        coalesce(pg_total_relation_size(to_regclass('{{ schema }}.{{ table }}')), 0) as n_bytes
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
