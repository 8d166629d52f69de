-- How a subject signed in, what it was given access to and what threats were seen, on a UTC day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'known_on'], 'unique': true},
        {'columns': ['event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select subject, event_day, known_on, action, has_succeeded, is_granted, is_blocked, severity, risk_score
    from {{ ref('stg_training_events') }}
    where event_type = 'security'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    subject,
    event_day,
    known_on,
    count(*)::int as n_events,
    (count(*) filter (where action = 'login'))::int as n_logins,
    (count(*) filter (where action = 'failed_login'))::int as n_failed_logins,
    (count(*) filter (where action = 'mfa'))::int as n_mfa,
    (count(*) filter (where action = 'mfa' and not coalesce(has_succeeded, true)))::int as n_failed_mfa,
    (count(*) filter (where action = 'password_reset'))::int as n_password_resets,
    (count(is_granted))::int as n_accesses,
    (count(*) filter (where not is_granted))::int as n_denied_accesses,
    (count(is_blocked))::int as n_threats,
    (count(*) filter (where not is_blocked))::int as n_unblocked_threats,
    (count(*) filter (where is_blocked is not null and severity in ('high', 'critical')))::int as n_severe_threats,
    (count(risk_score))::int as n_risks,
    coalesce(sum(risk_score), 0) as sum_risk_score,
    coalesce(max(risk_score), 0) as max_risk_score
from events
group by subject, event_day, known_on
