-- Every version of a subject's day: was_known_at(day, cutoff) picks the one that was known then.
{{ config(materialized='view') }}

with present as (
    select *, date '9999-12-31' as superseded_on from {{ ref('agg_user_day') }}
),

superseded as (
    select * from {{ ref('agg_user_day_superseded') }}
)

select * from present
union all
select * from superseded
