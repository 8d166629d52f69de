{#
  Totals minus published parts reveal nothing: within each parent, the parts that are withheld (null) are none, or two
  or more that together hold at least k people. `totals` has one row a parent. Returns a count, never values.
#}
{% test parts_hide_in_totals(model, parent, n_people, totals, total, k=5) %}
with parts as (
    select
        {{ parent | join(', ') }},
        sum({{ n_people }}) as n_published,
        count(*) filter (where {{ n_people }} is null) as n_withheld
    from {{ model }}
    group by {{ parent | join(', ') }}
)

select n_parents
from (
    select count(*) as n_parents
    from parts
    inner join {{ totals }} as totals
        on {% for column in parent %}parts.{{ column }} is not distinct from totals.{{ column }}
        {%- if not loop.last %} and {% endif %}{% endfor %}
    where totals.{{ total }} is not null and (
        parts.n_withheld = 1
        or totals.{{ total }} - coalesce(parts.n_published, 0) between 1 and {{ k }} - 1
    )
) as faults
where n_parents > 0
{% endtest %}
