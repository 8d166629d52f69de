-- What a company bought on a UTC day, as far as the payers agreed to model training: input of lifetime value.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['company', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select company, event_day, action, amount, has_succeeded
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
)

select
    company,
    event_day,
    count(*)::int as n_payments,
    sum(coalesce(amount, 0)) as amount
from events
where company is not null and action = 'payment' and has_succeeded is not false
group by company, event_day
