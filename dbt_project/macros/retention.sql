{# on-run-start: which table each model makes and for which purpose. Retention gives it the term of its layer and
   takes from it, on days that are never built again, the people who withdrew. #}
{% macro record_purposes() %}
    {% if not execute %} {{ return('') }} {% endif %}
    {% set rows = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized != 'ephemeral' %}
        {% set purpose = node.meta.get('purpose') or node.config.meta.get('purpose') or 'model_training' %}
        {% do rows.append("('" ~ node.schema ~ '.' ~ (node.alias or node.name) ~ "', '" ~ purpose ~ "')") %}
    {% endfor %}
    create table if not exists {{ generate_schema_name('staging', none) }}.model_purposes (table_name text primary key, purpose text not null)
    {% if rows %};
    insert into {{ generate_schema_name('staging', none) }}.model_purposes as known (table_name, purpose) values {{ rows | join(', ') }}
    on conflict (table_name) do update set purpose = excluded.purpose where known.purpose <> excluded.purpose
    {% endif %}
{% endmacro %}
