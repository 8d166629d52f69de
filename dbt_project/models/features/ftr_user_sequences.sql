-- What a subject did in each session, step by step: sparse rows for models of sequences.
{{ config(materialized='view', contract={'enforced': true}) }}

with sessions as (
    select subject, started_at, started_on, known_on, string_to_array(steps, ' > ') as actions
    from {{ ref('ses_sessions') }}
)

select
    s.subject,
    s.started_at as session_started_at,
    s.started_on,
    s.known_on,
    steps.step_no::int as step_no,
    steps.action
from sessions as s
cross join lateral unnest(s.actions) with ordinality as steps (action, step_no)
