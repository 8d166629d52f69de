-- People who rate one thing over and over: what one opinion cannot explain. For investigation, never published.
{{ config(materialized='view') }}

with pairs as (
    select
        subject,
        component,
        sum(n_ratings)::bigint as n_ratings,
        sum(n_zeros)::bigint as n_zeros,
        sum(n_lowest)::bigint as n_lowest,
        sum(sum_ratings) / sum(n_ratings) as mean_rating,
        greatest(sum(sum_squares) / sum(n_ratings) - power(sum(sum_ratings) / sum(n_ratings), 2), 0) as variance,
        min(event_day) as first_on,
        max(event_day) as last_on
    from {{ ref('agg_rating_pair_days') }}
    group by subject, component
)

select
    subject,
    component,
    n_ratings,
    n_zeros,
    n_lowest,
    round(mean_rating, 6) as mean_rating,
    first_on,
    last_on,
    variance < 0.25 as is_monotone,
    n_lowest >= 20 and n_lowest >= 0.9 * n_ratings as is_smear
from pairs
where n_ratings >= {{ var('rating_pair_minimum', 10) }}
