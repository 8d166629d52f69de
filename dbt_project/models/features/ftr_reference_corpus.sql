-- Events of reference documents, one by one: style, field, quality, readability, citations, corrections.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['event_day', 'reference_id'], 'unique': true}, {'columns': ['subject']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select *
    from {{ ref('stg_training_events') }}
    where event_type = 'content' and action in ('reference_created', 'reference_corrected')
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    event_id as reference_id,
    subject,
    event_day,
    known_on,
    coalesce(is_bot, false) as is_bot,
    action = 'reference_corrected' as is_correction,
    reference_style,
    reference_field,
    language,
    quality,
    readability,
    n_citations,
    n_corrections
from events
