-- The consent ledger: append-only decisions, the current view, and the as-of truth. Written by privacy.
create schema if not exists consent;

create table consent.consent_events (
  consent_event_id bigint generated always as identity primary key,
  subject text not null,
  purpose text not null,
  decision text not null check (decision in ('grant', 'withdraw')),
  decided_at timestamptz not null,
  received_at timestamptz not null,
  source text not null,
  method text not null,
  reason text,
  evidence jsonb,
  fingerprint bytea not null unique
);

create index on consent.consent_events (subject, purpose, decided_at desc, consent_event_id desc);

create function consent.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'consent.consent_events is append-only: record a new decision instead';
end $$;

create trigger append_only before update or delete or truncate on consent.consent_events
for each statement execute function consent.refuse_change();

create view consent.consent_settings as
select distinct on (subject, purpose)
  subject, purpose, decision, decided_at, received_at, source, method, reason
from consent.consent_events
order by subject, purpose, decided_at desc, consent_event_id desc;

-- The decision in force for a subject and purpose at a moment, by what was known at that moment.
create function consent.as_of(wanted_subject text, wanted_purpose text, moment timestamptz, known_at timestamptz)
returns text language sql stable as $$
  select decision from consent.consent_events
  where subject = wanted_subject and purpose = wanted_purpose
    and decided_at <= moment and received_at <= known_at
  order by decided_at desc, consent_event_id desc
  limit 1
$$;
