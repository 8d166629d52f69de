-- The likeliest next steps of people, likeliest first, by the champion of the next-action model.
create table ml.recommendations (
  cutoff_on date not null, -- sessions known before this day were looked at
  subject text not null,
  place integer not null check (place >= 1),
  action text not null,
  score double precision not null check (score >= 0 and score <= 1), -- the model's probability
  model_name text not null,
  model_version integer not null,
  purpose text not null,
  consent_basis text not null,
  recommended_at timestamptz not null,
  primary key (subject, place)
);
