{# An arithmetic identity holds in every row. A null is a fault too. Returns a count, never the values. #}
{% test holds(model, identity) %}
select n_rows
from (select count(*) as n_rows from {{ model }} where ({{ identity }}) is not true) as faults
where n_rows > 0
{% endtest %}
