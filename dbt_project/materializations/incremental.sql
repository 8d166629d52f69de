{#
  dbt's own materialisation of incremental models, and cheaper where nothing changed: a model whose pre-hooks found no
  dirty day is left as it is, after two statements instead of twelve. Columns are compared in one statement; where they
  differ, dbt's own comparison says what is to be done. A first build and a full refresh are dbt's.
#}
{% materialization incremental, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set by_days = 'find_dirty_days' in pre_hooks | map(attribute='sql') | join(' ') -%}
    {%- if existing is none or not existing.is_table or should_full_refresh() or not by_days -%}
        {%- do return(dbt.materialization_incremental_default()) -%}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main', fetch_result=True) -%}
        select exists (select from dirty_days) as is_dirty
    {%- endcall -%}
    {%- if load_result('main').table.rows[0][0] -%}
        {%- set new_rows = make_temp_relation(target_relation) -%}
        {%- do run_query(get_create_table_as_sql(True, new_rows, sql)) -%}
        {%- set found = run_query(compare_columns(new_rows, existing)).rows[0] -%}
        {%- if not found['is_same'] -%}
            {%- do process_schema_changes(config.get('on_schema_change'), new_rows, existing) -%}
            {%- set found = run_query(compare_columns(new_rows, existing)).rows[0] -%}
        {%- endif -%}
        {%- call statement('main') -%}
            insert into {{ target_relation }} ({{ found['columns'] }}) (select {{ found['columns'] }} from {{ new_rows }})
        {%- endcall -%}
        {{ run_hooks(post_hooks) }}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{# The columns of a table that has rows to come, and whether these have the same ones, of the same types. #}
{% macro compare_columns(new_rows, existing) %}
    with of_rows as (
        select attname as name, atttypid as of_type from pg_catalog.pg_attribute
        where attrelid = '{{ new_rows }}'::regclass and attnum > 0 and not attisdropped
    ),
    of_table as (
        select attname as name, atttypid as of_type, attnum as place from pg_catalog.pg_attribute
        where attrelid = '{{ existing }}'::regclass and attnum > 0 and not attisdropped
    )
    select
        string_agg(quote_ident(name), ', ' order by place) as columns,
        bool_and(of_rows.of_type is not distinct from of_table.of_type) as is_same
    from of_rows full join of_table using (name)
{% endmacro %}
