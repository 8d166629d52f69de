{#
  The columns identify a row: none is null and no combination occurs twice. Returns a count, never the values. Where a
  unique index of the table itself holds them apart, only nulls are looked for.
#}
{% test is_key(model, columns) %}
select n_rows
from (
    select count(*) as n_rows from {{ model }}
    where {% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %}

    union all
    select count(*) as n_rows
    from (
        select 1 as found from {{ model }}
        where not {{ has_unique_index(columns) }}
        group by {{ columns | join(', ') }} having count(*) > 1
    ) as repeated
) as faults
where n_rows > 0
{% endtest %}
