-- What the last completed run was built from: equal digests mean that a new run has nothing to do.
create table warehouse.completed_runs (
  digest text not null,
  summary jsonb not null,
  finished_at timestamptz not null
);
