-- Drift is judged against the model's own windows: the p value, the index that chance reaches (which stays empty where
-- there is no verdict), and the weight of the feature in the model.
alter table quality.drift_results
  add column p_value double precision,
  add column importance double precision not null default 1,
  alter column threshold drop not null;
