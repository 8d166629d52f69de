-- Operational logs keep a term of their own beside raw_events; accounts that fell silent or were deleted are known.

-- The policy of an event that is an operational log; null: raw_events. privacy/retention/stores.py names the policies.
create function raw.log_policy(event_type text, action text) returns text language sql immutable parallel safe as $$
  select case
    when event_type = 'security' then 'security_logs'
    when event_type = 'system' and action in ('error', 'warning') then 'error_logs'
    when event_type = 'api' then 'api_logs'
  end
$$;

-- As before, but a quarter also stays while it holds a log whose own term is not over: its other rows go one by one.
create or replace function raw.drop_partitions(before date, moment timestamptz)
returns table (name text, n_rows bigint)
language plpgsql security definer
set search_path = raw, pg_temp set datestyle = 'ISO, YMD' set lock_timeout = '5s' as $$
declare
  ends_on date;
  stays boolean;
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
        'select exists (select from raw.%1$I l join privacy.legal_holds h on'
        ' h.placed_at <= $1 and (h.ends_at is null or h.ends_at > $1)'
        ' and (h.table_name is null or h.table_name = ''raw.system_logs'')'
        ' and (h.subject is null or h.subject = l.user_id)'
        ' and (h.first_on is null or l.event_day >= h.first_on)'
        ' and (h.last_on is null or l.event_day <= h.last_on))'
        ' or exists (select from raw.%1$I l'
        ' join privacy.retention_policies k on k.policy = raw.log_policy(l.event_type, l.action)'
        ' join privacy.retention_policies c on c.policy = l.retention_policy'
        ' where least(k.days, c.days) is null'
        ' or l.event_day >= ($1 at time zone ''UTC'')::date - least(k.days, c.days))', name
      ) into stays using moment;
      continue when stays;
      execute format('select count(*) from raw.%I', name) into n_rows;
      execute format('drop table raw.%I', name);
      return next;
    exception when lock_not_available then
      null;
    end;
  end loop;
end $$;

-- When each person was last seen: events go long before two silent years are over. proposed_on: when the end of the
-- account was last put before the officer. A row goes with the person's erasure.
create table privacy.accounts (
  subject text primary key,
  last_seen_on date not null,
  deleted_on date,
  proposed_on date,
  seen_version bigint not null default 0
);
create index on privacy.accounts (seen_version);

-- The digest of the rules that each event type of the day was transformed under; null: only the whole policy's is known.
alter table safe.event_days add column type_digests jsonb;
