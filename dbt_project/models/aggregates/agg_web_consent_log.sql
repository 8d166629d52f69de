-- What a consent banner saw: banners shown and answers given, one row an event. The ledger decides; this only reports.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_id'], 'unique': true}, {'columns': ['subject']}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select * from {{ ref('stg_web_events') }}
    {{ where_dirty_day() }}
)

select
    event_id,
    subject,
    persona,
    session,
    page_view,
    event_day,
    occurred_at,
    received_at,
    action,
    country,
    banner_seconds,
    consent_type,
    consent_basis,
    consent_version,
    consent_scopes,
    consent_url,
    consent_domains,
    gdpr_applies
from events
where action in ('cmp_visible', 'consent_preferences')
