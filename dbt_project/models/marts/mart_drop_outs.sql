-- Where sessions of a day ended that reached no goal, and how many of them went round in circles.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'last_action'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['ses_sessions']) }}", "{{ delete_days_of_sessions(ref('ses_sessions')) }}"],
    post_hook="{{ record_built_days() }}"
) }}

with sessions as (
    select
        subject,
        started_on as event_day,
        n_events,
        duration_seconds,
        string_to_array(steps, ' > ') as actions
    from {{ ref('ses_sessions') }}
    {% if is_incremental() %} where started_on = any(array(select event_day from days_of_sessions)) {% endif %}
),

judged as (
    select
        *,
        actions[cardinality(actions)] as last_action,
        actions && array{{ var('session_goals') }}::text[] as has_goal,
        n_events - (select count(distinct action) from unnest(actions) as steps (action)) as n_returns
    from sessions
)

select
    event_day,
    last_action,
    count(*) as n_sessions,
    count(distinct subject) as n_people,
    count(*) filter (where n_returns > n_events / 2) as n_looping_sessions,
    avg(n_events)::double precision as mean_steps,
    percentile_disc(0.5) within group (order by duration_seconds) as median_duration_seconds
from judged
where not has_goal
group by event_day, last_action
having count(distinct subject) >= {{ var('k_people') }}
