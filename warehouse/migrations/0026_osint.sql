-- What public sources say about people, as an operator found it and brought it here; nothing here fetches it.
create table privacy.osint_findings (
  subject text not null, -- the keyed id, as in safe: the product's own id is in no column and in no value
  source text not null check (source ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  kind text not null check (kind ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  sealed bytea not null, -- JSON, under the person's own key of the vault
  found_at timestamptz not null, -- by the oldest file that told of it
  refreshed_at timestamptz not null, -- by the newest: the copy is as old as this
  imported_by text not null check (btrim(imported_by) <> ''),
  imported_at timestamptz not null,
  primary key (subject, source, kind),
  check (found_at <= refreshed_at and refreshed_at <= imported_at)
);
create index on privacy.osint_findings (refreshed_at);

-- A file that was brought, in counts: every line of it is accounted for.
create table privacy.osint_imports (
  osint_import_id bigint generated always as identity primary key,
  source text not null,
  imported_by text not null check (btrim(imported_by) <> ''),
  imported_at timestamptz not null,
  n_read bigint not null,
  n_stored bigint not null,
  n_refreshed bigint not null,
  n_duplicates bigint not null,
  refused jsonb not null, -- reason -> lines
  n_refused bigint not null,
  constraint accounted_for check (n_read = n_stored + n_refreshed + n_duplicates + n_refused)
);
create trigger append_only before update or delete or truncate on privacy.osint_imports
for each statement execute function privacy.refuse_retention_change();
