{#
  Per event day, the sum of a column equals a sum over what the model was made from, or over events counted apart. A day
  without rows sums to 0. Looks at unverified days.
#}
{% test sums_to(model, model_name, column, upstream, upstream_column='1', upstream_where='true') %}
with made as (
    select event_day, sum({{ column }}) as n from {{ model }} group by event_day
),

source_rows as (
    select event_day, sum({{ upstream_column }}) as n
    from {{ upstream }}
    where {{ is_unverified('event_day', model_name) }} and {{ upstream_where }}
    group by event_day
)

select event_day
from made full join source_rows using (event_day)
where coalesce(made.n, 0) <> coalesce(source_rows.n, 0)
{% endtest %}
