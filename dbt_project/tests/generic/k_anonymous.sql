{#
  Every class of the quasi-identifiers holds at least k people. Returns counts, never values.

  A model has one row a person, or an event of one; `subject` names the column that says whose, and then distinct
  subjects count and rows that are nobody's do not. A model of counts names the column in `n_people` instead: every
  class must add up to k or more, and a null count is a fault.
#}
{% test k_anonymous(model, quasi_identifiers, k=5, subject=none, n_people=none) %}
{%- if not quasi_identifiers %}{{ exceptions.raise_compiler_error("k_anonymous needs quasi_identifiers") }}{% endif %}
select n_classes
from (
    select count(*) as n_classes
    from (
        select {{ people_behind(subject, n_people) }} as n
        from {{ model }}
        group by {{ quasi_identifiers | join(', ') }}
    ) as classes
    where n is null or n < {{ k }}
) as faults
where n_classes > 0
{% endtest %}
