{# Weekly cutoffs are Mondays 00:00 UTC; a row at a cutoff sees what was known then. Day arithmetic only, no clock. #}

{# Mondays in (after, until], both SQL expressions of type date. #}
{% macro mondays(after, until) -%}
    select (({{ after }}) + (7 - mod(mod(({{ after }}) - date '1970-01-05', 7) + 7, 7)) + 7 * step) as cutoff_on
    from generate_series(0, (({{ until }}) - ({{ after }})) / 7) as step
    where ({{ after }}) + (7 - mod(mod(({{ after }}) - date '1970-01-05', 7) + 7, 7)) + 7 * step <= ({{ until }})
{%- endmacro %}

{# Every cutoff that the days of `relation` allow: after the first day, its horizon over by the last. #}
{% macro all_cutoffs(relation, horizon_days) -%}
    select cutoff_on
    from (select min(event_day) as first_day, max(event_day) as last_day from {{ relation }}) as extent
    cross join lateral ({{ mondays('first_day', 'last_day + 1 - ' ~ horizon_days) }}) as cutoffs
{%- endmacro %}

{# In a model: the cutoffs to build. #}
{% macro cutoffs_to_build(relation, horizon_days) -%}
    {%- if is_incremental() -%} select cutoff_on from dirty_cutoffs
    {%- else -%} {{ all_cutoffs(relation, horizon_days) }}
    {%- endif -%}
{%- endmacro %}

{# Who has a row at a cutoff: subjects with an event in the 90 days before it, known then. One index range per cutoff. #}
{% macro active_subjects(cutoffs, user_days) -%}
    select c.cutoff_on, days.subject
    from {{ cutoffs }} as c
    cross join lateral (
        select distinct d.subject from {{ user_days }} as d
        where d.event_day >= c.cutoff_on - 90 and d.event_day < c.cutoff_on and d.first_known_on < c.cutoff_on
    ) as days
{%- endmacro %}

{#
  Pre-hook: dirty day d changes cutoffs in (d - horizon, d + window]; days past the newest clean day make new
  cutoffs possible. Rows of both, and rows whose horizon the data no longer reaches, are deleted.
#}
{% macro delete_dirty_cutoffs(relation, window_days, horizon_days) %}
    {% if is_incremental() %}
    create temporary table dirty_cutoffs on commit drop as
    with extent as (
        select
            min(event_day) as first_day,
            max(event_day) as last_day,
            (select max(event_day) from {{ relation }} where event_day not in (select event_day from dirty_days))
                as last_clean_day
        from {{ relation }}
    ),
    touched as (
        select cutoff_on from (select distinct event_day from dirty_days) as days
        cross join lateral (
            {{ mondays('days.event_day - ' ~ horizon_days, 'days.event_day + ' ~ window_days) }}
        ) as cutoffs
        union
        select cutoff_on from extent
        cross join lateral (
            {{ mondays('coalesce(last_clean_day, first_day) + 1 - ' ~ horizon_days, 'last_day + 1 - ' ~ horizon_days) }}
        ) as cutoffs
    )
    select cutoff_on from touched cross join extent
    where cutoff_on > first_day and cutoff_on <= last_day + 1 - {{ horizon_days }}
        and exists (select 1 from dirty_days);
    analyze dirty_cutoffs;
    delete from {{ this }} where cutoff_on in (select cutoff_on from dirty_cutoffs);
    delete from {{ this }} where cutoff_on > coalesce(
        (select max(event_day) from {{ relation }}) + 1 - {{ horizon_days }}, date '-infinity'
    );
    delete from {{ this }} where cutoff_on <= (select min(event_day) from {{ relation }})
    {% endif %}
{% endmacro %}
