-- Evidence of every gate: counts and booleans, never a value.
create schema if not exists quality;

create table quality.gate_results (
  gate text not null,
  run_key text not null,
  evaluated_at timestamptz not null,
  partition_start date,
  partition_end date,
  table_name text not null,
  expectation text not null,
  column_name text,
  dimension text not null,
  success boolean not null,
  n_elements bigint,
  n_unexpected bigint,
  threshold double precision,
  seconds double precision not null,
  name text not null,
  error text
);
create index on quality.gate_results (gate, evaluated_at desc);

create table quality.drift_results (
  run_key text not null,
  evaluated_at timestamptz not null,
  cutoff_on date not null,
  feature text not null,
  psi double precision,
  threshold double precision not null,
  n_reference bigint not null,
  n_current bigint not null,
  verdict text not null check (verdict in ('stable', 'drifted', 'too_few_rows'))
);
