-- Events as they came in, what was refused, and which days changed. Written by collection.
create schema if not exists raw;

create table raw.system_logs (
  id text not null,
  user_id text,
  persona_id text,
  company_id text,
  event_type text not null,
  event_source text not null,
  component text,
  action text not null,
  data jsonb not null default '{}',
  metadata jsonb not null default '{}',
  data_classification text not null
    check (data_classification in ('non_personal', 'pseudonymized', 'personal', 'sensitive')),
  retention_policy text not null
    check (retention_policy in ('transient', 'short_term', 'medium_term', 'long_term')),
  session_id text,
  client_info jsonb,
  created_at timestamptz not null,
  received_at timestamptz not null,
  source text not null,
  fingerprint bytea not null,
  event_day date not null
) partition by range (event_day);

create index on raw.system_logs (event_day);

-- A unique key over a partitioned table must hold the partition column, and a duplicate may claim another day:
-- recognising (source, id) needs a table of its own.
create table raw.event_keys (
  source text collate "C" not null,
  id text collate "C" not null, -- opaque: compared as bytes, by no language's rules
  fingerprint bytea not null,
  event_day date not null,
  primary key (source, id)
);

create sequence raw.event_day_version;

create table raw.event_days (
  event_day date primary key,
  n_events bigint not null,
  version bigint not null
);

create table raw.imports (
  import_id text primary key,
  file text not null,
  file_digest text not null,
  mapping_digest text not null,
  source text not null,
  received_at timestamptz not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  n_read bigint not null default 0,
  n_stored bigint not null default 0,
  n_duplicates bigint not null default 0,
  n_quarantined bigint not null default 0,
  n_refused bigint not null default 0,
  first_event_on date,
  last_event_on date
);

create table raw.quarantine (
  import_id text not null,
  record_no bigint not null,
  source text not null,
  file text not null,
  line bigint,
  byte_offset bigint,
  code text not null,
  path text,
  hint text,
  sealed bytea not null,
  quarantined_at timestamptz not null,
  replayed_at timestamptz,
  primary key (import_id, record_no)
);

-- Rows are partitioned by event day in pieces of three months: a decade of history is 40 tables, not 3,650 or 120.
-- A table costs some 5 ms to make, so an import of many years would spend a fifth of its time on monthly ones.
create function raw.ensure_partitions(first_day date, last_day date) returns integer
language plpgsql security definer set search_path = raw, pg_temp as $$
declare
  quarter date := date_trunc('quarter', first_day);
  made integer := 0;
  name text;
begin
  while quarter <= last_day loop
    name := 'system_logs_' || to_char(quarter, 'YYYY_"q"Q');
    if to_regclass('raw.' || name) is null then
      execute format(
        'create table raw.%I partition of raw.system_logs for values from (%L) to (%L)',
        name, quarter, (quarter + interval '3 months')::date
      );
      made := made + 1;
    end if;
    quarter := (quarter + interval '3 months')::date;
  end loop;
  return made;
end $$;

revoke all on function raw.ensure_partitions(date, date) from public;
