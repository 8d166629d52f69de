-- Versions of the consent text, each with its start: the first time somebody allowed everything under it.
{{ config(materialized='view') }}

with answers as (
    select * from {{ ref('agg_web_consent_log') }}
    where consent_type = 'allow_all' and consent_version is not null
),

ranked as (
    select *, row_number() over (partition by consent_version order by occurred_at, event_id) as place
    from answers
),

versions as (
    select
        consent_version,
        min(occurred_at) as started_at,
        max(occurred_at) as last_allowed_at,
        max(consent_scopes) filter (where place = 1) as consent_scopes,
        max(consent_url) filter (where place = 1) as consent_url,
        max(consent_domains) filter (where place = 1) as consent_domains
    from ranked
    group by consent_version
)

select
    *,
    row_number() over (order by started_at desc, consent_version desc) = 1 as is_latest_version
from versions
