-- Who looked at people's data: written before the data is handed out, in the transaction that reads it. Append-only.
create table privacy.access_log (
  access_id bigint generated always as identity primary key,
  looked_at timestamptz not null,
  actor text not null check (btrim(actor) <> ''),
  purpose text not null check (btrim(purpose) <> ''),
  command text not null check (btrim(command) <> ''),
  place text not null check (btrim(place) <> ''), -- a table, or what was handed out
  blinded_subject bytea, -- whose, as privacy.privacy_requests has it; null: of many at once, or nobody can tell whose
  n_rows bigint not null check (n_rows >= 0),
  database_role text not null default session_user -- not for the writer to say
);
create index on privacy.access_log (blinded_subject);
create index on privacy.access_log (actor, looked_at);

-- As with everything that retention deletes by its term and nobody else changes.
create trigger append_only before update or delete or truncate on privacy.access_log
for each statement execute function privacy.refuse_retention_change();

-- Events that stayed when their person left are few and are looked for by the day whenever a day is written.
create index on safe.pseudonymous_events (event_day) where starts_with(event_id, 'x_');
