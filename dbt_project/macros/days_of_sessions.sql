{#
  Pre-hook of models with a row per day on which sessions start: a dirty day d changes sessions that start on d - 1, d or
  d + 1, and longer ones that reach d - 1 or d. Their days are deleted and stay in the temporary table days_of_sessions.
#}
{% macro delete_days_of_sessions(sessions) %}
    {% if is_incremental() %}
    create temporary table days_of_sessions on commit drop as
    select event_day + step as event_day from dirty_days cross join generate_series(-1, 1) as step
    union
    select s.started_on from dirty_days as d
    inner join {{ sessions }} as s on s.ended_on = d.event_day - 1
    where s.n_days > 1
    union
    select s.started_on from dirty_days as d
    inner join {{ sessions }} as s on s.started_on < d.event_day and s.ended_on >= d.event_day
    where s.n_days > 2;
    analyze days_of_sessions;
    delete from {{ this }} where event_day = any(array(select event_day from days_of_sessions))
    {% endif %}
{% endmacro %}
