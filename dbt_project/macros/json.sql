{# Typed reads of one JSON key; null where the key is absent or of another type. Used in staging only. #}

{# A label of at most 200 characters: longer text is no label, and an index over it would refuse the row. #}
{% macro json_text(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'string' then
        case when length({{ column }} ->> '{{ key }}') <= 200 then {{ column }} ->> '{{ key }}' end
    end
{%- endmacro %}

{# Absurd numbers are null too, and decimals end at the sixth: one hostile value must not overflow a sum of everyone. #}
{% macro json_number(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'number' then
        case when abs(({{ column }} ->> '{{ key }}')::numeric) < 1e15 then
            round(({{ column }} ->> '{{ key }}')::numeric, 6)
        end
    end
{%- endmacro %}

{% macro json_flag(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'boolean' then ({{ column }} ->> '{{ key }}')::boolean end
{%- endmacro %}

{# The labels of an array in its order, joined by commas; null where the key holds no array. #}
{% macro json_texts(column, key) -%}
    case when jsonb_typeof({{ column }} -> '{{ key }}') = 'array' then (
        select string_agg(item.word, ', ' order by item.place)
        from jsonb_array_elements_text({{ column }} -> '{{ key }}') with ordinality as item (word, place)
    ) end
{%- endmacro %}
