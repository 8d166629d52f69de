-- Reference documents of a field and style on a UTC day: written, corrected, how good and how readable.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['event_day', 'reference_field', 'reference_style'], 'unique': true}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select
        coalesce(reference_field, 'unknown') as reference_field,
        coalesce(reference_style, 'unknown') as reference_style,
        event_day,
        subject,
        action,
        quality,
        readability,
        n_citations,
        n_corrections
    from {{ ref('stg_analytics_events') }}
    where event_type = 'content'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    reference_field,
    reference_style,
    event_day,
    count(*)::int as n_events,
    count(distinct subject)::int as n_subjects,
    (count(*) filter (where action = 'reference_created'))::int as n_created,
    (count(*) filter (where action = 'reference_corrected'))::int as n_corrected,
    coalesce(sum(n_corrections), 0) as sum_corrections,
    count(quality)::int as n_qualities,
    coalesce(sum(quality), 0) as sum_quality,
    count(readability)::int as n_readabilities,
    coalesce(sum(readability), 0) as sum_readability,
    count(n_citations)::int as n_cited,
    coalesce(sum(n_citations), 0) as sum_citations
from events
group by reference_field, reference_style, event_day
