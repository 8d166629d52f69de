{# Funnels as data: `funnels` and `funnel_steps` in dbt_project.yml. #}

{# How many weeks before a dirty day a person may have entered and still be in the longest funnel. As negative steps. #}
{% macro weeks_of_entry() -%}
    {%- set longest = var('funnels').values() | map(attribute='within_days') | max -%}
    {%- set steps = [] -%}
    {%- for week in range(1, (longest + 6) // 7 + 1) -%} {%- do steps.append(-week) -%} {%- endfor -%}
    {% do return(steps) %}
{%- endmacro %}

{#
  One row per person, funnel and week of entry: when each step was reached, null where it was not. A person enters a
  funnel once a week, with the week's first event of step 1; each later step is the first event after the step before,
  within the funnel's days of the entry.
#}
{% macro funnel_progress(funnel, facts, relation) -%}
    select '{{ funnel }}' as funnel, e.entered_week, e.reached_1
    {%- for step in facts.steps[1:] %}, s{{ loop.index + 1 }}.reached as reached_{{ loop.index + 1 }} {%- endfor %}
    from (
        select subject, {{ week_of('event_day') }} as entered_week, min(done_at[1]) as reached_1
        from {{ relation }}
        {{ where_day_of_dirty_week() or 'where true' }} and step = '{{ facts.steps[0] }}'
        group by subject, {{ week_of('event_day') }}
    ) as e
    {% for step in facts.steps[1:] -%}
    {%- set before = 'e.reached_1' if loop.first else 's' ~ loop.index ~ '.reached' -%}
    left join lateral (
        select min(one.at) as reached
        from {{ relation }} as r
        cross join lateral unnest(r.done_at) as one (at)
        where r.subject = e.subject and r.step = '{{ step }}'
            and r.event_day >= ({{ before }} at time zone 'UTC')::date
            and r.event_day <= (e.reached_1 at time zone 'UTC')::date + {{ facts.within_days }}
            and one.at > {{ before }} and one.at <= e.reached_1 + interval '{{ facts.within_days }} days'
    ) as s{{ loop.index + 1 }} on true
    {% endfor %}
{%- endmacro %}

{# The same as rows: one per person, week of entry and step reached. #}
{% macro funnel_rows(facts, progress) -%}
    {%- for step in facts.steps -%}
    select
        funnel,
        entered_week,
        {{ loop.index }} as step_no,
        '{{ step }}' as step,
        count(*) as n_people,
        percentile_disc(0.5) within group (order by reached_{{ loop.index }} - reached_1) as median_time
    from {{ progress }}
    where reached_{{ loop.index }} is not null
    group by funnel, entered_week
    {% if not loop.last %} union all {% endif %}
    {% endfor %}
{%- endmacro %}
