-- Erasures: what each found, deleted and left, blinded proof of consent, and why published figures may move.
create table privacy.erasures (
  erasure_id text primary key,
  request_id text not null unique,
  blinded_subject bytea not null,
  status text not null check (status in ('running', 'surviving', 'complete')),
  -- The person's keys while there is work to do: sealed by the vault, gone with completion.
  sealed bytea,
  tainted jsonb not null default '[]',
  opened_at timestamptz not null,
  completed_at timestamptz,
  receipt_sha256 text,
  constraint complete_is_proven check (
    (status = 'complete') = (sealed is null and completed_at is not null and receipt_sha256 is not null)
  )
);

create table privacy.erasure_targets (
  erasure_id text not null references privacy.erasures,
  target text not null,
  rows_before bigint not null,
  rows_deleted bigint not null default 0,
  rows_after bigint,
  deleted_at timestamptz,
  verified_at timestamptz,
  primary key (erasure_id, target)
);

-- A person is not complete while a row of theirs is counted, or while a target was never counted.
create function privacy.refuse_unproven_erasure() returns trigger language plpgsql as $$
begin
  if new.status = 'complete' and (
    not exists (select from privacy.erasure_targets where erasure_id = new.erasure_id)
    or exists (
      select from privacy.erasure_targets where erasure_id = new.erasure_id and rows_after is distinct from 0
    )
  ) then
    raise exception 'erasure % is not complete: a target has rows left or was not counted', new.erasure_id;
  end if;
  return new;
end $$;

create trigger proven before insert or update on privacy.erasures
for each row execute function privacy.refuse_unproven_erasure();

-- Events of the person under erasure: keys and anonymous copies are found by them. Empty when nothing is under way.
create table privacy.erasure_events (
  erasure_id text not null,
  source text collate "C" not null,
  id text collate "C" not null,
  event_day date not null,
  anonymous_id text not null,
  primary key (erasure_id, source, id)
);

-- That somebody once agreed or refused, without who: only the vault's key tells, asked about one person.
create table privacy.erased_consents (
  erasure_id text not null,
  blinded_subject bytea not null,
  purpose text not null,
  decision text not null,
  decided_at timestamptz not null,
  received_at timestamptz not null,
  method text not null
);
create index on privacy.erased_consents (blinded_subject);

-- Figures computed with rows that are erased since: they stand until their day is built again, and move then.
create table privacy.restatements (
  table_name text not null,
  event_day date not null,
  cause text not null,
  reference text not null,
  noted_at timestamptz not null,
  primary key (table_name, event_day, cause, reference)
);

-- The last completed erasure that this database knows of; a restored copy is behind the ledger outside.
create table privacy.erasure_marker (
  is_only boolean primary key default true check (is_only),
  head text not null,
  public_may_connect boolean
);

-- One person among millions is found by key, not by reading everything.
create index on raw.system_logs (user_id);
create index on safe.pseudonymous_events (subject);
create index on ml.training_subjects (blinded_subject);
