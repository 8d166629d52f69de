-- Risk of fraud and automation of people at the newest cutoff, and why: a reason to look, no verdict.
create table ml.risk_scores (
  cutoff_on date not null,
  subject text not null,
  risk double precision not null,
  is_flagged boolean not null,
  reasons jsonb not null, -- codes, kinds and parts of signs; no value of a sign
  scored_at timestamptz not null,
  primary key (cutoff_on, subject)
);
