{#
  k-anonymity in SQL, for models of insight across companies. docs/anonymity.md says what it does not protect.
#}

{# People in a group: rows, distinct subjects, or a sum of counts (null when one of them is unknown). #}
{% macro people_behind(subject=none, n_people=none) -%}
    {%- if n_people -%}
    case when count(*) = count({{ n_people }}) then sum({{ n_people }}) end
    {%- elif subject -%} count(distinct {{ subject }})
    {%- else -%} count(*)
    {%- endif -%}
{%- endmacro %}

{#
  The rows of a relation whose class holds at least k people; the others are left out. `select * from` it.
  With `subject`, a class counts distinct subjects: ranks from both ends, since a window cannot count distinct values.
#}
{% macro keep_k_anonymous(relation, columns, quasi_identifiers, k=5, subject=none) -%}
    {%- set class = quasi_identifiers | join(', ') -%}
    (
        select {{ columns | join(', ') }}
        from (
            select
                {{ columns | join(', ') }},
                {% if subject -%}
                dense_rank() over (partition by {{ class }} order by {{ subject }} nulls last)
                + dense_rank() over (partition by {{ class }} order by {{ subject }} desc nulls first) - 1
                - max(case when {{ subject }} is null then 1 else 0 end) over (partition by {{ class }})
                {%- else -%}
                count(*) over (partition by {{ class }})
                {%- endif %} as people_in_class
            from {{ relation }}
        ) as counted
        where people_in_class >= {{ k }}
    )
{%- endmacro %}

{#
  Counts of parts within published totals: a count of 1 to k-1 becomes null, and so do the next larger parts of the same
  parent until two or more are withheld that together hold k people. What then is left of a parent that cannot be
  protected (all parts withheld and still below k) is a total below k, which its own model withholds.
  One level of a hierarchy, parts that do not overlap; for crossed dimensions use privacy.anonymity.hide_cells.
#}
{% macro withhold_small_parts(relation, parent, part, n_people, k=5) -%}
    (
        select
            {{ parent | join(', ') }},
            {{ part | join(', ') }},
            case
                when {{ n_people }} between 1 and {{ k }} - 1 then null
                when min_people between 1 and {{ k }} - 1 and ({{ n_people }} > 0 or n_positive < 2)
                    and (place <= 2 or people_before < {{ k }}) then null
                else {{ n_people }}
            end as {{ n_people }}
        from (
            select
                {{ parent | join(', ') }},
                {{ part | join(', ') }},
                {{ n_people }},
                min(nullif({{ n_people }}, 0)) over same_parent as min_people,
                count(nullif({{ n_people }}, 0)) over same_parent as n_positive,
                row_number() over by_size as place,
                coalesce(sum({{ n_people }}) over (by_size rows between unbounded preceding and 1 preceding), 0)
                    as people_before
            from {{ relation }}
            window
                same_parent as (partition by {{ parent | join(', ') }}),
                by_size as (
                    partition by {{ parent | join(', ') }}
                    order by ({{ n_people }} = 0), {{ n_people }}, {{ part | join(', ') }}
                )
        ) as counted
    )
{%- endmacro %}
