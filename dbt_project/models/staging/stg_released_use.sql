-- What was released of shared events: noisy numbers of people per feature. Only a paid release writes here.
with released as (
    select * from {{ source('safe', 'released_use') }}
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
