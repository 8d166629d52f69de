{#
  On Spark every model is a table made anew. The session translates what follows the comment from PostgreSQL
  (warehouse/spark): models are written in one dialect. Hooks are not run: they keep account of days, and a full build
  has none to find.
#}
{% macro make_anew() %}
    {%- call statement('drop') -%} drop table if exists {{ this }} {%- endcall -%}
    {%- call statement('main') -%} create table {{ this }} using parquet as /* from postgresql */ {{ sql }} {%- endcall -%}
    {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmacro %}

{% materialization incremental, adapter='spark' %} {{ return(make_anew()) }} {% endmaterialization %}
{% materialization table, adapter='spark' %} {{ return(make_anew()) }} {% endmaterialization %}
{% materialization view, adapter='spark' %} {{ return(make_anew()) }} {% endmaterialization %}
