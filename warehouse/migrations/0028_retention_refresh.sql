-- A change of how often foreign data is asked for again is written down as a change of its term is.
alter table privacy.retention_changes add column old_refresh_days integer, add column new_refresh_days integer;

create or replace function privacy.audit_retention() returns trigger language plpgsql as $$
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
  insert into privacy.retention_changes (
    rule, old_days, new_days, old_refresh_days, new_refresh_days, changed_by, reason, changed_at
  )
  values (
    rule, case when tg_op = 'UPDATE' then old.days end, new.days,
    case when tg_op = 'UPDATE' then (to_jsonb(old) ->> 'refresh_days')::integer end,
    (to_jsonb(new) ->> 'refresh_days')::integer, new.changed_by, new.reason, new.changed_at
  );
  return null;
end $$;
