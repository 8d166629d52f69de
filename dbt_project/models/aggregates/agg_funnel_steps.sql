-- When a person did what is a step of a funnel, per UTC day. `funnel_steps` in dbt_project.yml says which.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'step', 'event_day'], 'unique': true}, {'columns': ['event_day', 'step']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select *
    from {{ ref('stg_analytics_events') }}
    where subject is not null and (
        {% for condition in var('funnel_steps').values() -%}
        {{ condition }}{{ ' or ' if not loop.last }}
        {% endfor %}
    )
        {{ and_dirty_day() }}
),

done as (
    select e.subject, e.event_day, s.step, e.occurred_at
    from events as e
    cross join lateral (
        values
        {% for step, condition in var('funnel_steps').items() -%}
        ('{{ step }}', {{ condition }}){{ ',' if not loop.last }}
        {% endfor %}
    ) as s (step, is_done)
    where s.is_done and e.is_bot is not true
)

select
    subject,
    event_day,
    step,
    count(*)::int as n_events,
    array_agg(occurred_at order by occurred_at) as done_at
from done
group by subject, event_day, step
