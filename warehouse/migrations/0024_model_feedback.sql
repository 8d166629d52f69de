-- What became of predictions: ratings that people gave, outcomes that were observed. A changed outcome is a new row, so
-- that what was known at any time can be told again.
create table ml.model_feedback (
  model_name text not null,
  model_version integer not null,
  cutoff_on date not null,
  subject text not null,
  kind text not null check (kind in ('rating', 'outcome')),
  source text not null, -- who or what said so: a surface of the product, or the label's table
  value double precision not null, -- a rating from 1 to 5; an outcome 0 or 1
  noted_at timestamptz not null,
  primary key (model_name, model_version, cutoff_on, subject, kind, source, noted_at)
);
create index on ml.model_feedback (subject);
