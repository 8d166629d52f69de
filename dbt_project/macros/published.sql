{# A count within a published total: 0, or k and more; 1 to k-1 is null. #}
{% macro count_of_k(n) -%}
    case when {{ n }} = 0 or {{ n }} >= {{ var('k_people') }} then {{ n }} end
{%- endmacro %}
