-- What passed the privacy transform: the only tables of events that dbt can read.
create schema if not exists safe;

create table safe.pseudonymous_events (
  event_id text not null,
  subject text,
  persona text,
  company text,
  session text,
  event_type text not null,
  event_source text not null,
  component text,
  action text not null,
  data jsonb not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  event_day date not null,
  purposes text[] not null
);
create index on safe.pseudonymous_events (event_day);

create table safe.anonymous_events (
  anonymous_id text not null,
  company text,
  event_type text not null,
  event_source text not null,
  component text,
  action text not null,
  data jsonb not null,
  occurred_hour timestamptz not null,
  event_day date not null
);
create index on safe.anonymous_events (event_day);

create table safe.exclusions (
  event_day date not null,
  reason text not null,
  event_type text not null,
  path text not null default '',
  n bigint not null,
  primary key (event_day, reason, event_type, path)
);

create sequence safe.event_day_version;

create table safe.event_days (
  event_day date primary key,
  raw_version bigint not null,
  policy_digest text not null,
  n_in bigint not null,
  -- Rows in at least one of the two tables: n_in = n_kept + the exclusions whose path is '' and whose reason is a row's.
  n_kept bigint not null default 0,
  n_pseudonymous bigint not null,
  n_anonymous bigint not null,
  version bigint not null
);
