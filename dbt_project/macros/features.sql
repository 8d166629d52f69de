{# The columns of ftr_user_weekly. Windows are days before the cutoff; a missing value has its stated default. #}

{# A subject's active days of 365, newest first, each with the days since the one before (null for the oldest). #}
{% macro days_with_gaps(user_days, subject, cutoff) -%}
    select
        d.*,
        {{ cutoff }} - d.event_day as age,
        d.event_day - lead(d.event_day) over newest_first as gap,
        lag(d.event_day) over newest_first is null as is_last,
        coalesce(
            ({{ cutoff }} - 1 - d.event_day) / 7
            <> ({{ cutoff }} - 1 - lead(d.event_day) over newest_first) / 7, true
        ) as is_new_week,
        coalesce(
            ({{ cutoff }} - 1 - d.event_day) / 28
            <> ({{ cutoff }} - 1 - lead(d.event_day) over newest_first) / 28, true
        ) as is_new_period
    from {{ user_days }} as d
    where d.subject = {{ subject }} and d.event_day >= {{ cutoff }} - 365 and d.event_day < {{ cutoff }}
    window newest_first as (order by d.event_day desc)
{%- endmacro %}

{% macro activity_features(cutoff) %}
    (array_agg(d.company order by d.event_day desc) filter (where d.company is not null and d.age <= 90))[1] as company,
    bool_or(d.is_bot) as is_bot,
    (extract(epoch from ({{ cutoff }}::timestamp at time zone 'UTC') - max(d.last_event_at)) / 86400)::double precision
        as recency_days,
    {% for days in [7, 28, 90, 365] %}
    coalesce(sum(d.n_events) filter (where d.age <= {{ days }}), 0)::double precision as n_events_{{ days }}d,
    {% endfor %}
    {% for days in [7, 14, 28, 56, 90, 180, 365] %}
    (count(*) filter (where d.age <= {{ days }}))::double precision as n_active_days_{{ days }}d,
    {% endfor %}
    (count(*) filter (where d.is_new_week and d.age <= 84))::double precision as n_active_weeks_84d,
    (count(*) filter (where d.is_new_week))::double precision as n_active_weeks_365d,
    (count(*) filter (where d.is_new_period))::double precision as n_active_periods_365d,
    max(d.age)::double precision as tenure_days_365d,
    coalesce(avg(d.gap) filter (where d.age + d.gap <= 90), 90)::double precision as gap_mean_days_90d,
    coalesce(avg(d.gap), 365)::double precision as gap_mean_days_365d,
    coalesce(stddev_pop(d.gap), 0)::double precision as gap_std_days_365d,
    coalesce(max(d.gap), 365)::double precision as gap_max_days_365d,
    coalesce(max(d.gap) filter (where d.is_last), 365)::double precision as gap_last_days_365d,
    (count(*) filter (where d.gap > 28))::double precision as n_gaps_over_28d_365d,
    {{ share('count(*) filter (where d.age <= 90 and extract(isodow from d.event_day) >= 6)',
        'count(*) filter (where d.age <= 90)') }} as weekend_share_90d,
    {{ recent_share('n_off_hours_events', 'n_events') }} as off_hours_share_90d,
    {{ recent_share('n_errors', 'n_events') }} as error_share_90d,
    {{ recent_share('sum_log_items', 'n_sized_events') }} as mean_log_items_90d,
    {{ recent_share('sum_latency_ms', 'n_latencies') }} as mean_latency_ms_90d,
    coalesce(sum(d.n_ratings) filter (where d.age <= 90), 0)::double precision as n_ratings_90d,
    {{ recent_share('sum_ratings', 'n_ratings') }} as mean_rating_90d
{% endmacro %}

{% macro session_features(cutoff) %}
    {% for days in [28, 90] %}
    (count(*) filter (where s.started_on >= {{ cutoff }} - {{ days }}))::double precision as n_sessions_{{ days }}d
    {%- if not loop.last %}, {% endif %}
    {% endfor %}
{% endmacro %}

{# A ratio of exact sums over the last 90 days; 0 when there is nothing to divide by. #}
{% macro recent_share(part, whole) -%}
    {{ share('sum(d.' ~ part ~ ') filter (where d.age <= 90)', 'sum(d.' ~ whole ~ ') filter (where d.age <= 90)') }}
{%- endmacro %}

{% macro share(part, whole) -%}
    coalesce(({{ part }})::numeric / nullif({{ whole }}, 0), 0)::double precision
{%- endmacro %}
