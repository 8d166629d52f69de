-- How many of the people who entered a funnel in a week reached each step, in order and in time.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['entered_week', 'funnel', 'step_no'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_funnel_steps']) }}",
        "{{ delete_dirty_weeks('entered_week', weeks_of_entry()) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with
{% for funnel, facts in var('funnels').items() %}
{{ funnel }} as (
    {{ funnel_progress(funnel, facts, ref('agg_funnel_steps')) }}
),
{% endfor %}

steps as (
    {% for funnel, facts in var('funnels').items() -%}
    {{ funnel_rows(facts, funnel) }}
    {% if not loop.last %} union all {% endif %}
    {% endfor %}
),

compared as (
    select
        *,
        first_value(n_people) over down as n_entered,
        lag(n_people) over down as n_before
    from steps
    window down as (partition by funnel, entered_week order by step_no)
)

select
    funnel,
    entered_week,
    step_no,
    step,
    n_entered,
    n_people,
    n_people::double precision / n_entered as share_of_entered,
    n_people::double precision / n_before as share_of_previous,
    (extract(epoch from median_time) / 3600)::double precision as median_hours
from compared
where n_people >= {{ var('k_people') }}
