{#
  First days of people. A late or removed event moves a person's first day, and with it what other days say of them
  (new or returning, of which cohort). So agg_analytics_users also records, as if it were news of those days, the first
  days that it moved a person from and to: models that read first days name it in find_dirty_days beside the days.
#}

{# Pre-hook, after find_dirty_days: the people whose row may change, their old rows aside and out. #}
{% macro delete_touched_users(user_days) %}
    {% if is_incremental() %}
    delete from dirty_days where upstream = '{{ this.name }}';
    create temporary table touched_users on commit drop as
    select d.subject
    from {{ user_days }} as d
    left join {{ this }} as u on d.subject = u.subject
    where d.event_day = any(array(select event_day from dirty_days))
        and (u.subject is null or u.first_day >= d.event_day - 6)
    union
    select subject from {{ this }}
    where first_day = any(array(select event_day - step from dirty_days cross join generate_series(0, 6) as step));
    analyze touched_users;
    create temporary table old_users on commit drop as
    select * from {{ this }} where subject in (select subject from touched_users);
    delete from {{ this }} where subject in (select subject from touched_users)
    {% endif %}
{% endmacro %}

{# Post-hook, after record_built_days: days between which a person moved count as changed for the models below. #}
{% macro record_moved_users() %}
    {% if is_incremental() %}
    insert into {{ model_days() }} (model, upstream, event_day, version)
    select
        '{{ this.name }}',
        '{{ this.name }}',
        moved.first_day,
        coalesce((
            select max(version) from {{ model_days() }}
            where model = '{{ this.name }}' and event_day = moved.first_day
        ), 0) + 1
    from (
        (select * from old_users except select * from {{ this }})
        union
        (select * from {{ this }} where subject in (select subject from touched_users) except select * from old_users)
    ) as moved
    group by moved.first_day
    on conflict (model, upstream, event_day) do update set version = excluded.version, is_verified = false
    {% endif %}
{% endmacro %}

{# The tier of a plan: free, paid or enterprise. A plan that nobody named, or a trial, is free. #}
{% macro tier_of(plan) -%}
    case
        when {{ plan }} is null or lower({{ plan }}) in ('free', 'trial') then 'free'
        when lower({{ plan }}) = 'enterprise' then 'enterprise'
        else 'paid'
    end
{%- endmacro %}
