{# A session ends when a subject does nothing for longer than this. #}
{% macro session_gap() -%} interval '30 minutes' {%- endmacro %}

{#
  Whether two dates are one, in a join of people. As an equality the planner joins on it alone where its statistics do
  not know the newest day yet: it takes that day for empty, and compares everybody with everybody.
#}
{% macro same_day(one, other) -%} {{ one }} - {{ other }} = 0 {%- endmacro %}

{# Old sessions over midnight that touch a subject's day. Equalities first: a range would read the whole history. #}
{% macro sessions_over(sessions, subject, day, prefix='') -%}
    {%- set start, end, n_days = prefix ~ 'started_on', prefix ~ 'ended_on', prefix ~ 'n_days' -%}
    select {{ start }} as started_on, {{ end }} as ended_on from {{ sessions }}
    where subject = {{ subject }} and {{ start }} = {{ day }} and {{ n_days }} > 1
    union all
    select {{ start }}, {{ end }} from {{ sessions }}
    where subject = {{ subject }} and {{ end }} = {{ day }} and {{ n_days }} > 1
    union all
    select {{ start }}, {{ end }} from {{ sessions }}
    where subject = {{ subject }} and {{ n_days }} > 2 and {{ start }} < {{ day }} and {{ end }} > {{ day }}
{%- endmacro %}

{#
  Pre-hook of ses_sessions: the (subject, day) pairs whose sessions may change, closed over midnight in both
  directions: over old sessions (a removed event splits them) and over present fragments (a late event joins them).
  Every session that touches a pair lies within the pairs as a whole, so it is deleted and built anew.
  With `by_id`, fragments of one subject and session id (none: '') belong together however far apart. Rows that are
  not sessions but lie in one name its days with a `prefix`.
#}
{% macro delete_affected_sessions(fragments, by_id=false, prefix='') %}
    {% set start, end, n_days = prefix ~ 'started_on', prefix ~ 'ended_on', prefix ~ 'n_days' %}
    {% if is_incremental() %}
    create temporary table affected_days on commit drop as
    with recursive affected (subject, event_day) as (
        (
            select f.subject, f.event_day from dirty_days as d
            inner join {{ fragments }} as f on f.event_day = d.event_day
            union
            select s.subject, d.event_day from dirty_days as d
            inner join {{ this }} as s on s.{{ start }} = d.event_day
            union
            select s.subject, d.event_day from dirty_days as d
            inner join {{ this }} as s on s.{{ end }} = d.event_day
            union
            select s.subject, d.event_day from {{ this }} as s
            inner join dirty_days as d on d.event_day > s.{{ start }} and d.event_day < s.{{ end }}
            where s.{{ n_days }} > 2
        )
        union
        select a.subject, neighbours.event_day
        from affected as a
        cross join lateral (
            select generate_series(s.started_on, s.ended_on, interval '1 day')::date as event_day
            from ({{ sessions_over(this, 'a.subject', 'a.event_day', prefix) }}) as s
            union all
            select f.event_day from {{ fragments }} as f
            where f.subject = a.subject and f.event_day = a.event_day - 1
                and (
                    select min(g.started_at) from {{ fragments }} as g
                    where g.subject = a.subject and g.event_day = a.event_day
                ) - f.ended_at <= {{ session_gap() }}
            union all
            select f.event_day from {{ fragments }} as f
            where f.subject = a.subject and f.event_day = a.event_day + 1
                and f.started_at - (
                    select max(g.ended_at) from {{ fragments }} as g
                    where g.subject = a.subject and g.event_day = a.event_day
                ) <= {{ session_gap() }}
            {% if by_id -%}
            union all
            select g.event_day from {{ fragments }} as f
            inner join {{ fragments }} as g on g.subject = f.subject and g.tracker_session = f.tracker_session
            where f.subject = a.subject and f.event_day = a.event_day and f.tracker_session <> ''
            {%- endif %}
        ) as neighbours
    )
    select subject, event_day from affected;
    analyze affected_days;
    delete from {{ this }} as s using affected_days as a
    where s.subject = a.subject and s.{{ start }} = a.event_day
    {% endif %}
{% endmacro %}
