-- Billing events that say something of a subscription. docs/revenue.md says which, and what each means.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['company', 'subscription_key', 'occurred_at', 'statement_no'], 'unique': true},
        {'columns': ['company', 'subscription_key', 'is_cash', 'occurred_at', 'statement_no']},
        {'columns': ['event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, company, resource, occurred_at, event_day, event_type, action, plan, seats, amount, mrr,
        has_succeeded
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
),

statements as (
    select
        *,
        case
            when action in ('cancel', 'subscription_end') then 'end'
            when mrr is not null then 'contract'
            when action = 'trial_start' then 'trial'
            else 'cash'
        end as kind
    from events
    where event_type = 'business' and company is not null and has_succeeded is not false
        and (
            action in ('trial_start', 'cancel', 'subscription_end')
            or (
                action in ('subscription_start', 'upgrade', 'downgrade', 'renewal', 'payment')
                and coalesce(mrr, amount) is not null
            )
        )
)

select
    company,
    coalesce(resource, '') as subscription_key,
    occurred_at,
    (row_number() over (
        partition by company, coalesce(resource, ''), occurred_at order by event_id
    ))::int as statement_no,
    event_day,
    kind,
    kind = 'cash' as is_cash,
    action = 'trial_start' as is_trial,
    coalesce(plan, 'unknown') as plan,
    seats::bigint as seats,
    case when kind in ('contract', 'cash') then greatest(coalesce(mrr, amount), 0) else 0 end as mrr
from statements
