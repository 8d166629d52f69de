-- Experiments by variant against the control. Says nothing of significance before the planned number of people.
{{ config(materialized='table') }}

with registered as (
    {{ registered_experiments() }}
),

newest as (
    select max(event_day) as last_day from {{ source('safe', 'event_days') }}
),

variants as (
    select
        s.experiment,
        s.variant,
        count(*)::numeric as n,
        count(*) filter (where s.n_outcomes > 0)::numeric as n_converted,
        avg(s.amount) as mean_amount,
        coalesce(var_samp(s.amount), 0) as variance
    from {{ ref('agg_experiment_subjects') }} as s
    cross join newest
    where not s.is_crossed and s.first_on <= newest.last_day - {{ outcome_days() }}
    group by s.experiment, s.variant
),

compared as (
    select
        v.*,
        r.control,
        r.planned_per_variant,
        v.n_converted / v.n - c.n_converted / c.n as difference,
        sqrt(v.n_converted / v.n * (1 - v.n_converted / v.n) / v.n
            + c.n_converted / c.n * (1 - c.n_converted / c.n) / c.n) as error,
        v.mean_amount - c.mean_amount as amount_difference,
        sqrt(v.variance / v.n + c.variance / c.n) as amount_error,
        min(v.n) over w as n_smallest,
        min(least(v.n_converted, v.n - v.n_converted)) over w as n_smallest_part,
        count(*) over w as n_variants,
        sum(v.n * v.n) over w * count(*) over w / sum(v.n) over w - sum(v.n) over w as srm_chi_square
    from variants as v
    left join registered as r on v.experiment = r.experiment
    left join variants as c on v.experiment = c.experiment and c.variant = r.control and c.variant <> v.variant
    window w as (partition by v.experiment)
)

select
    experiment,
    variant,
    (variant = control) is true as is_control,
    n::bigint as n_people,
    n_converted::bigint as n_converted,
    round(n_converted / n, 6) as conversion_rate,
    round(difference, 6) as difference,
    round(difference - 1.959964 * error, 6) as difference_low,
    round(difference + 1.959964 * error, 6) as difference_high,
    round(mean_amount, 6) as mean_amount,
    round(amount_difference, 6) as amount_difference,
    round(amount_difference - 1.959964 * amount_error, 6) as amount_difference_low,
    round(amount_difference + 1.959964 * amount_error, 6) as amount_difference_high,
    planned_per_variant,
    (n_smallest >= planned_per_variant) is true as is_complete,
    round(srm_chi_square, 6) as srm_chi_square,
    n_variants > 1 and srm_chi_square > {{ chi_square_critical('(n_variants - 1)::int') }} as has_srm,
    case
        when n_smallest >= planned_per_variant and n_variants > 1
            and srm_chi_square <= {{ chi_square_critical('(n_variants - 1)::int') }}
            then abs(difference) > 1.959964 * error
    end as is_significant
from compared
where n_smallest_part >= {{ var('k_people', 5) }}
