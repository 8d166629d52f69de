-- What a prediction rests on: the features it was made from, why it came out so, for which purpose, under which consent.
-- Predictions made before this have none of it; the gate of those that come asks for all.
alter table ml.predictions
  add column feature_digest bytea,
  add column reason_codes text[],
  add column purpose text,
  add column consent_basis text;

create or replace view ml.published_predictions as
select
  model_name, model_version, cutoff_on, subject, probability, predicted_at,
  feature_digest, reason_codes, purpose, consent_basis
from ml.predictions where state = 'published';
