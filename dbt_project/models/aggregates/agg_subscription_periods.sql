-- How long each statement about a subscription held: from it to the next one that changes it, or until it runs out.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['company', 'subscription_key', 'started_at', 'statement_no'], 'unique': true},
        {'columns': ['started_on']},
        {'columns': ['ended_on']}
    ],
    pre_hook=[
        "{{ find_dirty_days(['agg_subscription_changes']) }}",
        "{{ delete_dirty_stretches(ref('agg_subscription_changes')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with statements as (
    select
        c.*,
        case c.kind
            when 'trial' then c.occurred_at + {{ days_of_trial() }} * interval '1 day'
            when 'cash' then c.occurred_at + {{ days_of_cash() }} * interval '1 day'
        end as runs_out_at
    from {{ ref('agg_subscription_changes') }} as c
    {% if is_incremental() -%}
    inner join dirty_stretches as s
        on c.company = s.company and c.subscription_key = s.subscription_key
        and (c.occurred_at = s.anchor_at or c.occurred_at between s.from_at and s.to_at)
    {%- endif %}
    where c.kind <> 'end'
),

surrounded as (
    select
        c.*,
        coalesce(contract.kind = 'contract', false) as is_under_contract,
        coalesce(
            contract.kind = 'contract'
            or earlier.kind = 'trial' and earlier.occurred_at + {{ days_of_trial() }} * interval '1 day' > c.occurred_at
            or earlier.kind = 'cash' and earlier.occurred_at + {{ days_of_cash() }} * interval '1 day' > c.occurred_at,
            false
        ) as is_continued,
        later.kind as next_kind,
        later.occurred_at as next_at
    from statements as c
    left join lateral ({{ statement_beside(ref('agg_subscription_changes'), '<', 'not b.is_cash') }})
        as contract on true
    left join lateral ({{ statement_beside(ref('agg_subscription_changes'), '<') }}) as earlier on true
    left join lateral ({{ statement_beside(ref('agg_subscription_changes'), '>',
        "(not b.is_cash or c.kind <> 'contract')") }}) as later on true
)

select
    company,
    subscription_key,
    plan,
    kind,
    is_trial,
    seats,
    mrr,
    not is_continued as is_start,
    occurred_at as started_at,
    statement_no,
    event_day as started_on,
    least(runs_out_at, next_at) as ended_at,
    (least(runs_out_at, next_at) at time zone 'UTC')::date as ended_on,
    case
        when next_at <= coalesce(runs_out_at, next_at) then case when next_kind = 'end' then 'cancel' else 'change' end
        when runs_out_at is not null then 'expiry'
    end as ended_by,
    is_trial and next_kind in ('contract', 'cash') and next_at <= coalesce(runs_out_at, next_at) as is_converted
from surrounded
where not (is_cash and is_under_contract)
