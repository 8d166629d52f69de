-- What every table of dbt and of its sources occupies now and costs a month. A view: sizes change with every write.
{{ config(materialized='view') }}

with tables as (
    {{ measured_tables() }}
)

select
    schema_name,
    table_name,
    n_bytes,
    round(n_bytes::numeric / 1000000000 * {{ var('prices').gigabyte_month }}, 6) as monthly_cost
from tables
