-- What the privacy transform obeys, and what it found unruled.
create schema if not exists privacy;

create table privacy.classification_rules (
  event_type text not null,
  path text not null,
  class text not null check (class in ('non_personal', 'pseudonymized', 'personal', 'sensitive')),
  kind text not null,
  treatment text not null,
  steward text not null,
  reason text not null,
  decided_at timestamptz not null,
  primary key (event_type, path)
);

create table privacy.unknown_paths (
  event_type text not null,
  path text not null,
  event_day date not null,
  n_events bigint not null,
  primary key (event_type, path, event_day)
);

create sequence privacy.dirty_day_version;

create table privacy.dirty_days (
  event_day date primary key,
  version bigint not null,
  cause text not null
);
