-- People who agreed to each scope of the newest consent text, by their last answer. Exact counts: not for publication.
{{ config(materialized='view') }}

with asked as (
    select subject, last_consent_scopes, count(*) over () as n_asked
    from {{ ref('agg_web_consent_users') }}
    where is_latest_version
)

select
    scopes.scope,
    count(distinct asked.subject)::int as n_people,
    max(asked.n_asked)::int as n_asked
from asked
cross join lateral unnest(string_to_array(asked.last_consent_scopes, ', ')) as scopes (scope)
group by scopes.scope
