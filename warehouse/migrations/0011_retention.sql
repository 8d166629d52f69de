-- How long everything may stay, who changed that, what must stay for a court, and what was deleted when.
create table privacy.retention_policies (
  policy text primary key,
  days integer check (days > 0), -- null: no end
  refresh_days integer check (refresh_days > 0), -- after how many days a copy of somebody else's data is asked for again
  note text not null,
  changed_by text not null check (btrim(changed_by) <> ''),
  reason text not null check (btrim(reason) <> ''),
  changed_at timestamptz not null
);

-- Values inside an event that go before the event does. Path as in classification rules; event_type '*' is every type.
create table privacy.retention_properties (
  event_type text not null,
  path text not null check (path ~ '^/(data|metadata|client_info)/.'),
  days integer check (days > 0),
  changed_by text not null check (btrim(changed_by) <> ''),
  reason text not null check (btrim(reason) <> ''),
  changed_at timestamptz not null,
  primary key (event_type, path)
);

create table privacy.retention_changes (
  change_id bigint generated always as identity primary key,
  rule text not null,
  old_days integer,
  new_days integer,
  changed_by text not null,
  reason text not null,
  changed_at timestamptz not null,
  changed_as text not null default session_user
);

-- A rule is never deleted and never changed in silence, whoever edits the row and with whatever tool.
create function privacy.audit_retention() returns trigger language plpgsql as $$
declare
  rule text;
begin
  if tg_op = 'DELETE' then
    raise exception 'a retention rule is not deleted: set its days instead';
  end if;
  if tg_op = 'UPDATE' and new.changed_at <= old.changed_at then
    raise exception 'a change of a retention rule says who, why and when: set changed_by, reason and changed_at';
  end if;
  rule := case tg_table_name
    when 'retention_policies' then to_jsonb(new) ->> 'policy'
    else (to_jsonb(new) ->> 'event_type') || ' ' || (to_jsonb(new) ->> 'path')
  end;
  insert into privacy.retention_changes (rule, old_days, new_days, changed_by, reason, changed_at)
  values (
    rule, case when tg_op = 'UPDATE' then old.days end, new.days, new.changed_by, new.reason, new.changed_at
  );
  return null;
end $$;

create trigger audited after insert or update or delete on privacy.retention_policies
for each row execute function privacy.audit_retention();
create trigger audited after insert or update or delete on privacy.retention_properties
for each row execute function privacy.audit_retention();

-- Every column that is set narrows the hold; one with none set holds everything. in force: from placed_at to ends_at.
create table privacy.legal_holds (
  hold_id bigint generated always as identity primary key,
  subject text,
  table_name text,
  first_on date,
  last_on date,
  placed_by text not null check (btrim(placed_by) <> ''),
  reason text not null check (btrim(reason) <> ''),
  placed_at timestamptz not null,
  ends_at timestamptz check (ends_at >= placed_at),
  released_by text,
  release_reason text,
  check (first_on <= last_on),
  check ((released_by is null) = (release_reason is null))
);

-- What retention did, a row per store and run.
create table privacy.retention_runs (
  retention_run_id bigint generated always as identity primary key,
  ran_at timestamptz not null,
  store text not null,
  policy text not null,
  cutoff_on date,
  method text not null,
  n_deleted bigint not null,
  n_held bigint not null
);
create index on privacy.retention_runs (ran_at);

-- Event days whose events went: nothing of them is computed again, so what was made of them stays until its own end.
create table privacy.closed_days (
  event_day date primary key,
  n_events bigint not null,
  closed_at timestamptz not null
);

-- Retention itself, as the erasure role, deletes what is past its term; nobody rewrites what happened.
create function privacy.refuse_retention_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and session_user like '%\_erasure' then
    return null;
  end if;
  raise exception '%.% is append-only: record a new row instead', tg_table_schema, tg_table_name;
end $$;

create trigger append_only before update or delete or truncate on privacy.retention_changes
for each statement execute function privacy.refuse_retention_change();
create trigger append_only before update or delete or truncate on privacy.retention_runs
for each statement execute function privacy.refuse_retention_change();
create trigger append_only before update or delete or truncate on privacy.closed_days
for each statement execute function privacy.refuse_retention_change();
create trigger kept before delete or truncate on privacy.legal_holds
for each statement execute function privacy.refuse_retention_change();

create function privacy.refuse_hold_change() returns trigger language plpgsql as $$
begin
  if (new.subject, new.table_name, new.first_on, new.last_on, new.placed_by, new.reason, new.placed_at)
    is distinct from
    (old.subject, old.table_name, old.first_on, old.last_on, old.placed_by, old.reason, old.placed_at) then
    raise exception 'hold % is not rewritten: release it and place another', old.hold_id;
  end if;
  return new;
end $$;

create trigger only_released before update on privacy.legal_holds
for each row execute function privacy.refuse_hold_change();

-- A late event of a closed day is kept until the next retention run and counted there; it opens no day again.
create function privacy.skip_closed_day() returns trigger
language plpgsql security definer set search_path = privacy, pg_temp as $$
begin
  if exists (select from privacy.closed_days where event_day = new.event_day) then
    return null;
  end if;
  return new;
end $$;

create trigger closed before insert or update on raw.event_days
for each row execute function privacy.skip_closed_day();

-- Quarters that end before a day, dropped whole, and the rows that went with each. A quarter with a held row stays,
-- and so does one that others read for longer than the lock may be waited for: its rows are deleted one by one.
-- Who may not delete rows may not drop them either.
create function raw.drop_partitions(before date, moment timestamptz) returns table (name text, n_rows bigint)
language plpgsql security definer
set search_path = raw, pg_temp set datestyle = 'ISO, YMD' set lock_timeout = '5s' as $$
declare
  ends_on date;
  is_held boolean;
begin
  if not has_table_privilege(session_user, 'raw.system_logs', 'delete') then
    raise exception 'only a role that may delete events may drop partitions' using errcode = 'insufficient_privilege';
  end if;
  -- No hold is placed between the look and the drop.
  lock table privacy.legal_holds in share mode;
  for name, ends_on in
    select c.relname, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''(\d{4}-\d\d-\d\d)''\)'))[1]::date
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'raw.system_logs'::regclass order by 1
  loop
    continue when ends_on is null or ends_on > before;
    begin
      execute format('lock table raw.%I in access exclusive mode', name);
      execute format(
        'select exists (select from raw.%I l join privacy.legal_holds h on'
        ' h.placed_at <= $1 and (h.ends_at is null or h.ends_at > $1)'
        ' and (h.table_name is null or h.table_name = ''raw.system_logs'')'
        ' and (h.subject is null or h.subject = l.user_id)'
        ' and (h.first_on is null or l.event_day >= h.first_on)'
        ' and (h.last_on is null or l.event_day <= h.last_on))', name
      ) into is_held using moment;
      continue when is_held;
      execute format('select count(*) from raw.%I', name) into n_rows;
      execute format('drop table raw.%I', name);
      return next;
    exception when lock_not_available then
      null;
    end;
  end loop;
end $$;

-- A JSON document without what a path leads to; '*' stands for every element or member on its level.
create function privacy.without_path(document jsonb, path text[]) returns jsonb
language plpgsql immutable as $$
declare
  rest text[] := path[2:];
begin
  if path[1] = '*' then
    if cardinality(rest) = 0 then
      return case jsonb_typeof(document) when 'array' then '[]' when 'object' then '{}' else document end;
    elsif jsonb_typeof(document) = 'array' then
      return coalesce(
        (select jsonb_agg(privacy.without_path(value, rest) order by ordinality)
         from jsonb_array_elements(document) with ordinality), '[]'
      );
    elsif jsonb_typeof(document) = 'object' then
      return coalesce(
        (select jsonb_object_agg(key, privacy.without_path(value, rest)) from jsonb_each(document)), '{}'
      );
    end if;
    return document;
  elsif jsonb_typeof(document) <> 'object' or not document ? path[1] then
    return document;
  elsif cardinality(rest) = 0 then
    return document - path[1];
  end if;
  return jsonb_set(document, path[1:1], privacy.without_path(document -> path[1], rest));
end $$;

insert into privacy.retention_policies (policy, days, refresh_days, note, changed_by, reason, changed_at)
select policy, days, refresh_days, note, 'lethe', 'the default of a new home', '2026-01-01 00:00:00+00'
from (
  values
  ('transient', 1, null::integer, 'class of an event: of use at the moment only'),
  ('short_term', 30, null, 'class of an event'),
  ('medium_term', 180, null, 'class of an event'),
  ('long_term', 730, null, 'class of an event'),
  ('raw_events', 60, null, 'events row by row, as they came in and as the privacy transform lets them through'),
  ('aggregates', 730, null, 'sums of a person''s or a company''s day, sessions, counts of what was left out'),
  ('ml_training_data', 365, null, 'features, labels and predictions'),
  ('model_lineage', 2557, null, 'which data a model was trained on: an erasure must find the models as long as they may live'),
  ('api_logs', 90, null, 'logs of interfaces'),
  ('error_logs', 180, null, 'output of runs'),
  ('security_logs', 365, null, 'logs of access and attacks'),
  ('audit_logs', 2557, null, 'what was decided and done: seven years with their leap days'),
  ('consent_records', null, null, 'proof of consent'),
  ('privacy_requests', 1095, null, 'requests of people about their data, from the day they were closed'),
  ('data_breaches', null, null, 'the register of breaches (GDPR Art. 33(5))'),
  ('registers', null, null, 'rules and ledgers that stand as long as the platform does; they hold nobody''s events'),
  ('osint_data', 90, 30, 'profiles from public sources'),
  ('inactive_users', 730, null, 'accounts that nobody uses'),
  ('deleted_accounts', 30, null, 'what is left of an account after its end')
) as seeds (policy, days, refresh_days, note);

insert into privacy.retention_properties (event_type, path, days, changed_by, reason, changed_at)
values
('*', '/data/prompt', 30, 'lethe', 'the default of a new home', '2026-01-01 00:00:00+00'),
('*', '/data/response', 30, 'lethe', 'the default of a new home', '2026-01-01 00:00:00+00');
