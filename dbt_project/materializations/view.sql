{#
  Views are replaced in place: readers and the views on top of them never miss one, and it is one statement instead of
  seven. Where columns went or changed their type, PostgreSQL refuses that: then the view is made anew, as dbt does.
#}
{% materialization view, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and not existing.is_view -%}
        {%- do return(dbt.materialization_view_default()) -%}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set made = get_create_view_as_sql(target_relation, sql) -%}
    {%- call statement('main') -%}
        do $made$ begin
            {{ made | replace('create view', 'create or replace view', 1) }}
        exception when invalid_table_definition then
            drop view {{ target_relation }} cascade;
            {{ made }}
        end $made$
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
