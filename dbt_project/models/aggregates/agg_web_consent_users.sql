-- Each person's banners and answers, and the last answer in force as the banner saw it.
{{ config(materialized='view') }}

with events as (
    select
        *,
        action = 'consent_preferences' and row_number() over (
            partition by subject, action order by occurred_at desc, event_id desc
        ) = 1 as is_last_answer
    from {{ ref('agg_web_consent_log') }}
),

users as (
    select
        subject,
        (count(*) filter (where action = 'cmp_visible'))::int as n_banners,
        (count(*) filter (where action = 'consent_preferences'))::int as n_answers,
        max(occurred_at) filter (where action = 'cmp_visible') as last_banner_at,
        max(occurred_at) filter (where action = 'consent_preferences') as last_answer_at,
        max(consent_type) filter (where is_last_answer) as last_consent_type,
        max(consent_version) filter (where is_last_answer) as last_consent_version,
        max(consent_scopes) filter (where is_last_answer) as last_consent_scopes,
        max(consent_url) filter (where is_last_answer) as last_consent_url,
        max(consent_domains) filter (where is_last_answer) as last_consent_domains
    from events
    group by subject
)

select
    users.*,
    coalesce(versions.is_latest_version, false) as is_latest_version
from users
left join {{ ref('agg_web_consent_versions') }} as versions on users.last_consent_version = versions.consent_version
