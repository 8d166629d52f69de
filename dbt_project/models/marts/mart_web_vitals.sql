-- Web vitals: the 75th percentile of a UTC day, of all devices and of each, where five people or more were measured.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'device'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with measured as (
    select event_day, subject, coalesce(device, 'unknown') as device, lcp_ms, fid_ms, inp_ms, ttfb_ms, cls
    from {{ ref('stg_web_events') }}
    {{ where_dirty_day() }}
),

with_all as (
    select * from measured
    where lcp_ms is not null or fid_ms is not null or inp_ms is not null or ttfb_ms is not null or cls is not null
),

percentiles as (
    select
        event_day,
        coalesce(lower(device), 'all') as device,
        {% for name in ['lcp_ms', 'fid_ms', 'inp_ms', 'ttfb_ms', 'cls'] -%}
        percentile_cont(0.75) within group (order by {{ name }}::double precision) as {{ name }},
        {% endfor -%}
        count(distinct subject)::int / {{ var('k_people') }} * {{ var('k_people') }} as n_people
    from with_all
    group by grouping sets ((event_day), (event_day, device))
    having count(distinct subject) >= {{ var('k_people') }}
)

select
    *,
    {{ web_vital_grade('lcp_ms', 2500, 4000) }} as lcp_grade,
    {{ web_vital_grade('fid_ms', 100, 300) }} as fid_grade,
    {{ web_vital_grade('inp_ms', 200, 500) }} as inp_grade,
    {{ web_vital_grade('ttfb_ms', 800, 1800) }} as ttfb_grade,
    {{ web_vital_grade('cls', 0.1, 0.25) }} as cls_grade
from percentiles
