-- Each session of an unverified day counts the events of its fragments, and these days' fragments are all in sessions.
with touched as (
    select * from {{ ref('ses_sessions') }} where {{ is_unverified('started_on', 'ses_sessions') }}

    union distinct
    select * from {{ ref('ses_sessions') }} where {{ is_unverified('ended_on', 'ses_sessions') }}

    union distinct
    select * from {{ ref('ses_sessions') }} as s
    where s.n_days > 2 and exists (
        select 1 from ({{ unverified_days('ses_sessions') }}) as u where u.event_day between s.started_on and s.ended_on
    )
),

counted as (
    select t.n_events, f.n_events as n_fragment_events, f.n_unverified_events
    from touched as t
    cross join lateral (
        select
            sum(n_events) as n_events,
            sum(n_events) filter (where event_day in ({{ unverified_days('ses_sessions') }})) as n_unverified_events
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
        where {{ is_unverified('event_day', 'ses_sessions') }}
    )
)

select count(*) as n_faults from faults having count(*) > 0
