{#
  dbt's own materialisation of incremental models, and cheaper where nothing changed: a model whose pre-hooks found no
  dirty day is left as it is, after two statements instead of twelve. A first build and a full refresh are dbt's.
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
        {%- set columns = process_schema_changes(config.get('on_schema_change'), new_rows, existing) -%}
        {%- call statement('main') -%}
            {{ get_incremental_append_sql({
                'target_relation': target_relation, 'temp_relation': new_rows,
                'dest_columns': columns or adapter.get_columns_in_relation(existing)
            }) }}
        {%- endcall -%}
        {{ run_hooks(post_hooks) }}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
