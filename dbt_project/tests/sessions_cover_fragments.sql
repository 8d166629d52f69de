-- Each session of an unverified day counts the events of its fragments, and these days' fragments are all in sessions.
with unverified as materialized (
    {{ unverified_days('ses_sessions') }}
),

touched as (
    select * from {{ ref('ses_sessions') }}
    where started_on in (select event_day from unverified)
        or ended_on in (select event_day from unverified)
        or (n_days > 2 and exists (select 1 from unverified where event_day between started_on and ended_on))
),

counted as (
    select t.n_events, f.n_events as n_fragment_events, f.n_unverified_events
    from touched as t
    cross join lateral (
        select
            sum(n_events) as n_events,
            sum(n_events) filter (where event_day in (select event_day from unverified)) as n_unverified_events
        from {{ ref('agg_user_fragments') }}
        where subject = t.subject and event_day between t.started_on and t.ended_on
            and started_at between t.started_at and t.ended_at
    ) as f
),

faults as (
    select 1 as fault from counted where n_events is distinct from n_fragment_events

    union all
    select 1 as fault
    where (select coalesce(sum(n_unverified_events), 0) from counted) <> (
        select coalesce(sum(n_events), 0) from {{ ref('agg_user_fragments') }}
        where event_day in (select event_day from unverified)
    )
)

select count(*) as n_faults from faults having count(*) > 0
