{# A session ends when a subject does nothing for longer than this. #}
{% macro session_gap() -%} interval '30 minutes' {%- endmacro %}

{# Old sessions over midnight that touch a subject's day. Equalities first: a range would read the whole history. #}
{% macro sessions_over(sessions, subject, day) -%}
    select started_on, ended_on from {{ sessions }}
    where subject = {{ subject }} and started_on = {{ day }} and n_days > 1
    union all
    select started_on, ended_on from {{ sessions }}
    where subject = {{ subject }} and ended_on = {{ day }} and n_days > 1
    union all
    select started_on, ended_on from {{ sessions }}
    where subject = {{ subject }} and n_days > 2 and started_on < {{ day }} and ended_on > {{ day }}
{%- endmacro %}

{#
  Pre-hook of ses_sessions: the (subject, day) pairs whose sessions may change, closed over midnight in both
  directions: over old sessions (a removed event splits them) and over present fragments (a late event joins them).
  Every session that touches a pair lies within the pairs as a whole, so it is deleted and built anew.
#}
{% macro delete_affected_sessions(fragments) %}
    {% if is_incremental() %}
    create temporary table affected_days on commit drop as
    with recursive affected (subject, event_day) as (
        (
            select f.subject, f.event_day from dirty_days as d
            inner join {{ fragments }} as f on f.event_day = d.event_day
            union
            select s.subject, d.event_day from dirty_days as d
            inner join {{ this }} as s on s.started_on = d.event_day
            union
            select s.subject, d.event_day from dirty_days as d
            inner join {{ this }} as s on s.ended_on = d.event_day
            union
            select s.subject, d.event_day from {{ this }} as s
            inner join dirty_days as d on d.event_day > s.started_on and d.event_day < s.ended_on
            where s.n_days > 2
        )
        union
        select a.subject, neighbours.event_day
        from affected as a
        cross join lateral (
            select generate_series(s.started_on, s.ended_on, interval '1 day')::date as event_day
            from ({{ sessions_over(this, 'a.subject', 'a.event_day') }}) as s
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
        ) as neighbours
    )
    select subject, event_day from affected;
    analyze affected_days;
    delete from {{ this }} as s using affected_days as a
    where s.subject = a.subject and s.started_on = a.event_day
    {% endif %}
{% endmacro %}
