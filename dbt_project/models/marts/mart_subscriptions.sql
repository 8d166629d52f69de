-- Subscriptions by tier: how many began, what they brought, what was lost, and trials that became paid.
{{ config(materialized='table') }}

with newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

periods as (
    select
        p.*,
        (p.ended_by in ('cancel', 'expiry') and p.ended_on <= n.last_day) is true as is_lost,
        p.ended_on is null or p.ended_on > n.last_day as is_running
    from {{ ref('agg_subscription_periods') }} as p
    cross join newest as n
),

counted as (
    select
        plan,
        count(distinct company) as n_companies,
        count(*) filter (where is_start) as n_subscriptions,
        count(*) filter (where is_trial) as n_trials,
        count(*) filter (where is_converted) as n_trials_converted,
        count(*) filter (where is_lost) as n_lost,
        coalesce(sum(mrr) filter (where is_lost), 0) as lost_mrr,
        count(*) filter (where is_running) as n_running,
        count(*) filter (where is_running and is_trial) as n_running_trials,
        coalesce(sum(mrr) filter (where is_running), 0) as mrr
    from periods
    group by plan
)

select
    plan,
    n_companies,
    n_subscriptions,
    n_trials,
    n_trials_converted,
    round(n_trials_converted::numeric / nullif(n_trials, 0), 6) as trial_to_paid_rate,
    n_running,
    n_running_trials,
    mrr,
    n_lost,
    lost_mrr,
    mrr + lost_mrr as sold_mrr,
    round(n_lost::numeric / nullif(n_running + n_lost, 0), 6) as loss_rate
from counted
where n_companies >= {{ var('k_people', 5) }}
