-- People by the answer they gave last, per version of the consent text. Exact counts: not for publication.
{{ config(materialized='view') }}

with users as (
    select last_consent_version as consent_version, last_consent_type as answer
    from {{ ref('agg_web_consent_users') }}
)

select
    v.consent_version,
    a.answer,
    count(u.answer)::int as n_people
from {{ ref('agg_web_consent_versions') }} as v
cross join lateral (
    values
    ('allow_all', 'allow_all'), ('allow_selected', 'allow_selected'), ('denied', 'deny_all'), ('expired', 'expired'),
    ('withdrawn', 'withdrawn'), ('implicit', 'implicit_consent')
) as a (answer, consent_type)
left join users as u on v.consent_version = u.consent_version and a.consent_type = u.answer
group by v.consent_version, a.answer
