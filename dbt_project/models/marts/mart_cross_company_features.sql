-- What companies use, across companies: anonymous events of people who agreed to sharing, at least k companies a row.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'event_type', 'component', 'action'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_day, event_type, component, action, company
    from {{ ref('stg_shared_events') }}
    {{ where_dirty_day() }}
),

companies as (
    select event_day, count(distinct company) as n_companies from events group by event_day
),

sums as (
    select
        event_day,
        event_type,
        coalesce(component, 'unknown') as component,
        action,
        count(*) as n_events,
        count(distinct company) as n_companies
    from events
    where company is not null
    group by event_day, event_type, coalesce(component, 'unknown'), action
)

select
    s.event_day,
    s.event_type,
    s.component,
    s.action,
    s.n_companies,
    s.n_events,
    s.n_companies::double precision / c.n_companies as share_of_companies,
    s.n_events::double precision / s.n_companies as events_per_company
from sums as s
inner join companies as c on s.event_day = c.event_day
where s.n_companies >= {{ var('k_people') }}
