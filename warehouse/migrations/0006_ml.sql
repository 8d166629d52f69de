-- Training sets as immutable manifests, who was in them (blinded), and what was predicted.
create schema if not exists ml;

create table ml.training_sets (
  training_set_id text primary key,
  digest text not null,
  manifest jsonb not null,
  n_rows bigint not null,
  n_subjects bigint not null,
  created_at timestamptz not null
);

create table ml.training_subjects (
  training_set_id text not null references ml.training_sets on delete cascade,
  blinded_subject bytea not null,
  primary key (training_set_id, blinded_subject)
);

create table ml.predictions (
  model_name text not null,
  model_version integer not null,
  cutoff_on date not null,
  subject text not null,
  probability double precision not null,
  state text not null check (state in ('pending', 'published')),
  predicted_at timestamptz not null,
  -- The same prediction may be published and, scored again, pending: its gate may still refuse the new one.
  primary key (model_name, model_version, cutoff_on, subject, state)
);

create view ml.published_predictions as
select model_name, model_version, cutoff_on, subject, probability, predicted_at
from ml.predictions where state = 'published';
