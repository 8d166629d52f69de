-- Requests of people about their own data, every step of each, and the packages made for them. Written by privacy.
create table privacy.privacy_requests (
  request_id text primary key,
  kind text not null check (
    kind in ('access', 'export', 'erasure', 'restriction', 'objection', 'anonymise', 'rectification')
  ),
  -- Who asks: an HMAC of the vault to find a person's requests by, and what the work needs, sealed until it is done.
  blinded_subject bytea not null,
  sealed bytea,
  state text not null check (
    state in (
      'received', 'identity_check', 'identity_failed', 'identified', 'awaiting_approval', 'approved',
      'in_progress', 'verifying', 'verified', 'failed', 'complete', 'refused', 'withdrawn'
    )
  ),
  opened_by text not null,
  received_at timestamptz not null,
  due_on date not null,
  is_extended boolean not null,
  code_hash bytea,
  code_expires_at timestamptz,
  tries_left integer not null check (tries_left >= 0),
  challenges_left integer not null check (challenges_left >= 0),
  identified_by text,
  is_large boolean,
  approved_by text,
  has_started boolean not null,
  n_survivors bigint check (n_survivors >= 0),
  is_proven boolean not null,
  closed_at timestamptz,
  constraint identity_before_work check (not has_started or identified_by is not null),
  constraint approval_before_work check (
    not has_started or (is_large is not null and (not is_large or approved_by is not null))
  ),
  constraint approved_by_another check (approved_by <> opened_by and approved_by <> identified_by),
  constraint complete_is_verified check (state <> 'complete' or (has_started and n_survivors = 0 and is_proven)),
  constraint complete_is_measured check (state <> 'complete' or n_survivors is not null),
  constraint started_is_not_undone check (not has_started or state not in ('refused', 'withdrawn')),
  constraint closed_when_over check ((closed_at is not null) = (state in ('complete', 'refused', 'withdrawn')))
);
create index on privacy.privacy_requests (blinded_subject);

create table privacy.request_events (
  request_event_id bigint generated always as identity primary key,
  request_id text not null references privacy.privacy_requests on delete cascade,
  event text not null,
  from_state text,
  to_state text not null,
  actor text not null check (btrim(actor) <> ''),
  reason text not null check (btrim(reason) <> ''),
  detail jsonb not null default '{}',
  happened_at timestamptz not null
);
create index on privacy.request_events (request_id, request_event_id);

-- Retention deletes whole requests after their term, as the erasure role; nobody changes what happened.
create function privacy.refuse_event_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and session_user like '%\_erasure' then
    return null;
  end if;
  raise exception 'privacy.request_events is append-only: record another event instead';
end $$;

create trigger append_only before update or delete or truncate on privacy.request_events
for each statement execute function privacy.refuse_event_change();

-- What is over stays over; only the sealed subject may still be destroyed.
create function privacy.refuse_reopening() returns trigger language plpgsql as $$
begin
  if old.state in ('complete', 'refused', 'withdrawn') and new.state <> old.state then
    raise exception 'a request that is % stays so: open a new one', old.state;
  end if;
  return new;
end $$;

create trigger stays_over before update on privacy.privacy_requests
for each row execute function privacy.refuse_reopening();

-- No state without the event that led to it: checked when the transaction commits.
create function privacy.require_request_event() returns trigger language plpgsql as $$
begin
  if exists (select from privacy.privacy_requests where request_id = new.request_id)
    and (select state from privacy.privacy_requests where request_id = new.request_id) is distinct from (
      select to_state from privacy.request_events where request_id = new.request_id
      order by request_event_id desc limit 1
    ) then
    raise exception 'request % changed its state without an event: record who, when and why', new.request_id;
  end if;
  return null;
end $$;

create constraint trigger audited after insert or update on privacy.privacy_requests
deferrable initially deferred for each row execute function privacy.require_request_event();

create table privacy.exports (
  export_id text primary key,
  request_id text not null,
  blinded_subject bytea not null,
  sha256 text not null,
  n_bytes bigint not null,
  n_rows bigint not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  link_id text,
  link_used_at timestamptz,
  removed_at timestamptz
);
create index on privacy.exports (blinded_subject);
