-- Answers to the consent banner per version of its text, small groups withheld.
{{ config(materialized='view') }}

with protected as (
    select * from {{ withhold_small_parts(
        ref('agg_web_consent_totals'), parent=['consent_version'], part=['answer'], n_people='n_people',
        k=var('k_people')) }} as counted
)

select consent_version, answer, n_people from protected
