-- What became of people from one day, or week, to the next: new, returning, resurrecting, dormant.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['starts_on', 'period', 'status'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_analytics_user_day', 'agg_analytics_user_week', 'agg_analytics_users']) }}",
        "{{ delete_dirty_periods(ref('agg_analytics_user_day'), ref('agg_analytics_user_week')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with people as (
    select subject, first_day, signup_week from {{ ref('agg_analytics_users') }}
),

{% for period, relation, column, length, first in [
    ('day', ref('agg_analytics_user_day'), 'event_day', 1, 'first_day'),
    ('week', ref('agg_analytics_user_week'), 'week_on', 7, 'signup_week'),
] %}
{{ period }}s as (
    {{ periods_to_build(relation, column, period, length) }}
),

{{ period }}_present as (
    select b.starts_on, r.subject
    from {{ period }}s as b
    inner join {{ relation }} as r on b.starts_on = r.{{ column }}
),

{{ period }}_past as (
    select b.starts_on, r.subject
    from {{ period }}s as b
    inner join {{ relation }} as r on b.starts_on - {{ length }} = r.{{ column }}
),

{{ period }}_moves as (
    select
        '{{ period }}' as period,
        starts_on,
        case
            when present.subject is null then 'dormant'
            when p.{{ first }} = starts_on then 'new'
            when past.subject is not null then 'returning'
            else 'resurrecting'
        end as status
    from {{ period }}_present as present
    full join {{ period }}_past as past using (starts_on, subject)
    left join people as p using (subject)
),
{% endfor %}

moves as (
    select * from day_moves

    union all
    select * from week_moves
),

counted as (
    select period, starts_on, status <> 'dormant' as is_active, status, count(*) as n_people
    from moves
    group by period, starts_on, status
)

{%- set parent = ['period', 'starts_on', 'is_active'] %}

select period, starts_on, status, n_people
from {{ withhold_small_parts('counted', parent, ['status'], 'n_people', var('k_people')) }} as published
where n_people is not null
