-- What waits for the steward: one row per path that no rule names, never one per event; and every ruling, for good.
create table privacy.classification_items (
  event_type text not null,
  path text not null,
  first_seen_on date not null,
  raised_at timestamptz not null default now(),
  proposed_class text not null check (proposed_class in ('non_personal', 'pseudonymized', 'personal', 'sensitive')),
  proposed_kind text not null,
  confidence double precision not null check (confidence between 0 and 1),
  why text not null,
  state text not null default 'open' check (state in ('open', 'confirmed', 'rejected')),
  decided_by text,
  decided_at timestamptz,
  reason text,
  primary key (event_type, path),
  check ((state = 'open') = (decided_at is null) and (state = 'open') = (decided_by is null))
);

create table privacy.classification_audit (
  audit_id bigint generated always as identity primary key,
  event_type text not null,
  path text not null,
  action text not null check (action in ('loaded', 'confirmed', 'rejected')),
  old_class text,
  old_kind text,
  old_treatment text,
  new_class text not null,
  new_kind text not null,
  new_treatment text not null,
  proposed_class text,
  proposed_kind text,
  confidence double precision,
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null,
  recorded_at timestamptz not null default now()
);

create index on privacy.classification_audit (event_type, path, audit_id);

create function privacy.refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'privacy.classification_audit is append-only: a new ruling adds a row';
end $$;

create trigger append_only before update or delete or truncate on privacy.classification_audit
for each statement execute function privacy.refuse_audit_change();
