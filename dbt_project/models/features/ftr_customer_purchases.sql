-- How often, how lately and for how long a company has bought: the sufficient statistics of BG/NBD.
{{ config(materialized='view') }}

with purchases as (
    select * from {{ ref('agg_customer_purchases') }}
),

newest as (
    select max(event_day) as cutoff_on from purchases
),

customers as (
    select
        company,
        count(*) - 1 as frequency,
        min(event_day) as first_on,
        max(event_day) as last_on,
        sum(amount) as amount
    from purchases
    group by company
)

select
    n.cutoff_on,
    c.company,
    c.frequency::double precision as frequency,
    (c.last_on - c.first_on)::double precision / 7 as recency_weeks,
    (n.cutoff_on - c.first_on)::double precision / 7 as age_weeks,
    (c.amount / (c.frequency + 1))::double precision as mean_amount
from customers as c
cross join newest as n
