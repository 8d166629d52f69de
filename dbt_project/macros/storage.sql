{# Tables of the product's schemas with rows (as of the last analyze) and bytes on disk, partitions within their parent. #}
{% macro measured_tables() -%}
    select
        n.nspname::text as schema_name,
        coalesce(parent.relname, c.relname)::text as table_name,
        sum(greatest(c.reltuples, 0))::bigint as n_rows,
        sum(pg_total_relation_size(c.oid))::bigint as n_bytes
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    left join pg_inherits as i on c.oid = i.inhrelid
    left join pg_class as parent on i.inhparent = parent.oid
    where c.relkind in ('r', 'm')
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'dagster', 'mlflow')
        and n.nspname not like 'pg_temp%'
    group by n.nspname, coalesce(parent.relname, c.relname)
{%- endmacro %}
