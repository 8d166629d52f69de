-- The register of breaches (GDPR Art. 33(5)): when somebody became aware of one, and everything entered since.
create table privacy.breaches (
  breach_id bigint generated always as identity primary key,
  title text not null check (btrim(title) <> ''),
  aware_at timestamptz not null, -- the 72 hours of Art. 33(1) run from here
  opened_by text not null check (btrim(opened_by) <> ''),
  opened_at timestamptz not null,
  check (aware_at <= opened_at)
);

-- What a breach is known to be is the sum of its entries: a later fact replaces an earlier one of the same name.
create table privacy.breach_entries (
  entry_id bigint generated always as identity primary key,
  breach_id bigint not null references privacy.breaches,
  kind text not null check (kind in ('facts', 'tables', 'drafted', 'notified', 'alarm', 'closed')),
  details jsonb not null check (jsonb_typeof(details) = 'object'),
  recorded_by text not null check (btrim(recorded_by) <> ''),
  recorded_at timestamptz not null
);
create index on privacy.breach_entries (breach_id, entry_id);
-- Each alarm is raised once, whoever watches and however often.
create unique index breach_alarm_once on privacy.breach_entries (breach_id, (details ->> 'hours')) where kind = 'alarm';
create unique index breach_closed_once on privacy.breach_entries (breach_id) where kind = 'closed';

create function privacy.refuse_breach_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: enter what is known now', tg_table_schema, tg_table_name;
end $$;

create trigger append_only before update or delete or truncate on privacy.breaches
for each statement execute function privacy.refuse_breach_change();
create trigger append_only before update or delete or truncate on privacy.breach_entries
for each statement execute function privacy.refuse_breach_change();
