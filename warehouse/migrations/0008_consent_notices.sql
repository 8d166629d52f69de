-- What people were asked with: notices by version, who was shown which, and how a decision may come about.
create table consent.notices (
  purpose text not null,
  version integer not null check (version > 0),
  language text not null,
  body text not null,
  sha256 bytea not null check (sha256 = pg_catalog.sha256(convert_to(body, 'UTF8'))),
  published_at timestamptz not null,
  primary key (purpose, version, language),
  unique (purpose, version, language, sha256)
);

create table consent.served_notices (
  served_notice_id bigint generated always as identity primary key,
  subject text not null,
  purpose text not null,
  version integer not null,
  language text not null,
  sha256 bytea not null,
  served_at timestamptz not null,
  place text not null, -- the page, screen or form that showed it
  foreign key (purpose, version, language, sha256) references consent.notices (purpose, version, language, sha256)
);
create index on consent.served_notices (subject, served_at);

-- A notice closed without an answer. It decides nothing, so it is no row of consent_events.
create table consent.dismissed_notices (
  served_notice_id bigint primary key,
  subject text not null,
  dismissed_at timestamptz not null
);
create index on consent.dismissed_notices (subject);

-- No foreign key to served_notices: a reference would bind the order in which an erasure may empty the two tables.
alter table consent.consent_events
  add column served_notice_id bigint,
  add column recorded_by text, -- who entered it, where that was not the subject
  add constraint method_decides check (
    case method
      when 'accept' then decision = 'grant'
      when 'reject' then decision = 'withdraw'
      when 'save' then true
      when 'gpc' then decision = 'withdraw' and purpose in ('sharing', 'marketing')
      when 'import' then true
      when 'api' then true
      else false -- 'dismiss' and whatever nobody ruled on
    end
  ) not valid, -- rows from before this migration keep the words they were recorded with
  add constraint decided_before_received check (decided_at <= received_at) not valid;

-- Append-only for everybody but an erasure, which may delete (never rewrite) and answers for it with a receipt.
create or replace function consent.refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_user like '%\_erasure' then
    return null;
  end if;
  raise exception '%.% is append-only: record a new row instead', tg_table_schema, tg_table_name;
end $$;

create trigger append_only before update or delete or truncate on consent.notices
for each statement execute function consent.refuse_change();
create trigger append_only before update or delete or truncate on consent.served_notices
for each statement execute function consent.refuse_change();
create trigger append_only before update or delete or truncate on consent.dismissed_notices
for each statement execute function consent.refuse_change();

-- Of these people, the ones whose own latest word about data collection is no: nothing of theirs may come in.
create function consent.collection_refused(wanted text[], moment timestamptz) returns setof text
language sql stable as $$
  select asked.subject from unnest(wanted) as asked (subject)
  cross join lateral (
    select decision from consent.consent_events as said
    where said.subject = asked.subject and purpose = 'data_collection' and decided_at <= moment
    order by decided_at desc, consent_event_id desc
    limit 1
  ) as latest
  where decision = 'withdraw'
$$;
