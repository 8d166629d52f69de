-- What people of all companies use, as released: noisy numbers of people, paid from the privacy budget of sharing.
{{ config(
    materialized='table',
    indexes=[{'columns': ['spend_id', 'event_type', 'component', 'action'], 'unique': true}]
) }}

with released as (
    select * from {{ ref('stg_released_use') }}
)

select
    spend_id,
    first_on,
    last_on,
    event_type,
    component,
    action,
    n_people,
    noise_sd,
    released_at
from released
where n_people >= {{ var('k_people') }}
