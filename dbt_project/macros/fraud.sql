{# Signs of automation. Shares are of requests (calls, prompts, searches) in the last so many days; 0 without requests. #}

{#
  1 less the coefficient of variation of the pauses between requests (pauses of over 30 minutes left out), at least 0:
  1 is a metronome, people are near 0. Needs ten pauses; 0 with fewer.
#}
{% macro request_regularity(days) -%}
    {%- set n = 'sum(d.n_gaps) filter (where d.event_day >= a.cutoff_on - ' ~ days ~ ')' -%}
    {%- set total = 'sum(d.sum_gap_seconds) filter (where d.event_day >= a.cutoff_on - ' ~ days ~ ')' -%}
    {%- set squares = 'sum(d.sum_squared_gap_seconds) filter (where d.event_day >= a.cutoff_on - ' ~ days ~ ')' -%}
    case
        when {{ n }} >= 10 and {{ total }} > 0
            then greatest(0, 1 - sqrt(greatest(0, {{ squares }} * {{ n }} / ({{ total }} * {{ total }}) - 1)))
        else 0
    end::double precision
{%- endmacro %}

{#
  Automation score, 0 to 1: 0.4 rapid (share of requests within a second of the one before) + 0.3 repeated (share equal
  to the one before) + 0.2 regular (request_regularity) + 0.1 night (share of events from 00:00 to 04:00 UTC). The
  weights are a stated judgement, not fitted.
#}
{% macro automation_score(requests, activity) -%}
    0.4::double precision * {{ requests }}.rapid_request_share_28d
    + 0.3::double precision * {{ requests }}.repeated_request_share_28d
    + 0.2::double precision * {{ requests }}.request_regularity_28d
    + 0.1::double precision * {{ activity }}.night_share_28d
{%- endmacro %}

{# Per cutoff and subject: how many keys it called with, and the most people who called with one of them. #}
{% macro shared_keys(cutoffs, key_days, days) -%}
    select uses.cutoff_on, uses.subject, count(*) as n_keys, max(uses.n_people) as n_people
    from (
        select
            cutoff_on,
            api_key,
            subject,
            count(*) over (partition by cutoff_on, api_key) as n_people
        from (
            select distinct c.cutoff_on, d.api_key, d.subject
            from {{ cutoffs }} as c
            cross join lateral (
                select api_key, subject from {{ key_days }}
                where event_day >= c.cutoff_on - {{ days }} and event_day < c.cutoff_on and known_on < c.cutoff_on
            ) as d
        ) as callers
    ) as uses
    group by uses.cutoff_on, uses.subject
{%- endmacro %}
