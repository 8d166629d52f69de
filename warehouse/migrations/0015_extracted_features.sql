-- Features as they were at a cutoff, one row per entity, feature set and version. Written by ml from schema features.
create table ml.extracted_features (
  extracted_feature_id bigint generated always as identity primary key,
  entity text not null, -- the keyed id of the person or company that the values describe
  feature_set text not null,
  version text not null, -- digest of the definition: what another definition made is another version
  cutoff_on date not null,
  "values" jsonb not null,
  extracted_at timestamptz not null,
  unique (feature_set, version, cutoff_on, entity)
);
create index on ml.extracted_features (entity);
