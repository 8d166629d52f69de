{#
  The one definition of a subject's features at a cutoff: ftr_user_weekly and the look-up features.user_at are made of it.
  Windows are days before the cutoff; nothing that was not known when its day began enters; a missing value has its
  stated default.
#}

{#
  The rows of a relation of (cutoff_on, subject). `days` are agg_user_day_versions.
#}
{% macro user_features(active, days) %}
with profiles as (
    select a.cutoff_on, a.subject, activity.*, variety.*
    from {{ active }} as a
    cross join lateral (
        select {{ activity_features('a.cutoff_on') }}, {{ session_features() }}
        from ({{ days_with_gaps(days, 'a.subject', 'a.cutoff_on') }}) as d
    ) as activity
    cross join lateral (
        select
            count(distinct component_used)::double precision as n_components_90d,
            count(distinct action_done)::double precision as n_actions_90d
        from {{ days }} as d
        cross join lateral unnest(d.components, d.actions) as used (component_used, action_done)
        where d.subject = a.subject and d.event_day >= a.cutoff_on - 90 and d.event_day < a.cutoff_on
            and {{ was_known_at('d', 'a.cutoff_on') }}
    ) as variety
),

companies as (
    select c.cutoff_on, c.company, colleagues.*
    from (select distinct cutoff_on, company from profiles where company is not null) as c
    cross join lateral (
        select
            (count(distinct subject) filter (where event_day >= c.cutoff_on - 28))::double precision as n_28d,
            count(distinct subject)::double precision as n_90d
        from {{ days }} as d
        where d.company = c.company and d.event_day >= c.cutoff_on - 90 and d.event_day < c.cutoff_on
            and {{ was_known_at('d', 'c.cutoff_on') }}
    ) as colleagues
)

select
    p.*,
    p.recency_days / p.gap_mean_days_365d as recency_per_gap_mean,
    p.recency_days / p.gap_max_days_365d as recency_per_gap_max,
    (p.company is not null)::int::double precision as has_company,
    coalesce(c.n_28d, 0) as company_n_active_subjects_28d,
    coalesce(c.n_90d, 0) as company_n_active_subjects_90d
from profiles as p
left join companies as c on p.cutoff_on = c.cutoff_on and p.company = c.company
{% endmacro %}

{#
  Post-hook of ftr_user_weekly: features.user_at(subject, cutoff) is the row that the table has, or would have, at any
  day's beginning; no row where the subject had none. It runs as its owner, so who may read features needs no more.
#}
{% macro create_user_lookup(days, user_days) %}
    drop function if exists {{ this.schema }}.user_at(text, date);
    do $made$ begin
    create function {{ this.schema }}.user_at(wanted text, moment date) returns setof {{ this }}
    language sql stable security definer set search_path = pg_catalog, pg_temp as $lookup$
    with moments as (
        select moment as cutoff_on
    ),

    active as (
        select found.cutoff_on, found.subject
        from (
            {{ active_subjects('moments', '(select * from ' ~ user_days ~ ' where subject = wanted)') }}
        ) as found
    )

    select * from ({{ user_features('active', days) }}) as found
    $lookup$;
    end $made$
{% endmacro %}

{# A subject's active days of 365, newest first, each with the days since the one before (null for the oldest). #}
{% macro days_with_gaps(user_days, subject, cutoff) -%}
    select
        d.*,
        {{ cutoff }} - d.event_day as age,
        d.event_day - lead(d.event_day) over newest_first as gap,
        lag(d.event_day) over newest_first is null as is_last,
        coalesce(d.first_event_at - lead(d.last_event_at) over newest_first <= {{ session_gap() }}, false) as is_continued,
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
        and {{ was_known_at('d', cutoff) }}
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

{# A day begins as many sessions as it has bursts, less one that goes on from the day before. #}
{% macro session_features() %}
    {% for days in [28, 90] %}
    coalesce(sum(d.n_bursts - d.is_continued::int) filter (where d.age <= {{ days }}), 0)::double precision
        as n_sessions_{{ days }}d
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
