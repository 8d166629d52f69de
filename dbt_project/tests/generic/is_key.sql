{# The columns identify a row: none is null and no combination occurs twice. Returns a count, never the values. #}
{% test is_key(model, columns) %}
select n_rows
from (
    select count(*) as n_rows from {{ model }}
    where {% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %}

    union all
    select count(*) as n_rows
    from (
        select 1 as found from {{ model }}
        group by {{ columns | join(', ') }} having count(*) > 1
    ) as repeated
) as faults
where n_rows > 0
{% endtest %}
