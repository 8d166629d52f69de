-- People of an experiment: the variant they saw first, and what they did in the 14 days from then on.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['experiment', 'subject'], 'unique': true}, {'columns': ['first_on']}],
    pre_hook=[
        "{{ find_dirty_days(['agg_experiment_days', 'agg_outcome_days']) }}",
        "{{ delete_dirty_participants(ref('agg_experiment_days')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with registered as (
    {{ registered_experiments() }}
),

firsts as (
    select distinct on (e.experiment, e.subject) e.experiment, e.subject, e.variant, e.event_day as first_on
    from {{ ref('agg_experiment_days') }} as e
    {% if is_incremental() -%}
    inner join dirty_participants as d on e.experiment = d.experiment and e.subject = d.subject
    {%- endif %}
    order by e.experiment, e.subject, e.event_day, e.first_at, e.variant
)

select
    f.experiment,
    f.subject,
    f.variant,
    f.first_on,
    exists (
        select 1 from {{ ref('agg_experiment_days') }} as e
        where e.experiment = f.experiment and e.subject = f.subject and e.variant <> f.variant
            and e.event_day < f.first_on + {{ outcome_days() }}
    ) as is_crossed,
    coalesce(o.n_outcomes, 0) as n_outcomes,
    coalesce(o.amount, 0) as amount
from firsts as f
left join registered as r on f.experiment = r.experiment
left join lateral (
    select sum(d.n_events) as n_outcomes, sum(d.amount) as amount
    from {{ ref('agg_outcome_days') }} as d
    where d.subject = f.subject and d.action = r.outcome
        and d.event_day >= f.first_on and d.event_day < f.first_on + {{ outcome_days() }}
) as o on true
