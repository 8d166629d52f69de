-- How many people agreed to each scope of the newest consent text; withheld where they, or all others, are under five.
{{ config(materialized='view') }}

with counted as (
    select * from {{ ref('agg_web_consent_scopes') }}
)

select
    scope,
    case
        when n_people >= {{ var('k_people') }}
            and (n_asked = n_people or n_asked - n_people >= {{ var('k_people') }}) then n_people
    end as n_people
from counted
