-- Which of the product's ids are one person. Append-only: each row leads from an id to the one that its person goes by.
create table privacy.identity_merges (
  merge_id bigint generated always as identity primary key,
  user_id text not null,
  same_as_user_id text not null,
  is_in_force boolean not null, -- false: stated, but both ids were identified already; only a steward may join them
  source text not null check (btrim(source) <> ''),
  merged_by text not null check (btrim(merged_by) <> ''),
  reason text not null check (btrim(reason) <> ''),
  merged_at timestamptz not null,
  constraint two_ids check (user_id <> same_as_user_id)
);
create unique index one_person_an_id on privacy.identity_merges (user_id) where is_in_force;
create unique index stated_once on privacy.identity_merges (user_id, same_as_user_id) where not is_in_force;
create index on privacy.identity_merges (same_as_user_id);

-- An erasure may take the rows of a person; nobody rewrites who was said to be whom.
create trigger append_only before update or delete or truncate on privacy.identity_merges
for each statement execute function privacy.refuse_retention_change();

-- Only an id that leads nowhere yet can be led to: then no way returns to where it began.
create function privacy.refuse_identity_knot() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('privacy.identity_merges', 0));
  if new.is_in_force and exists (
    select from privacy.identity_merges as known where known.is_in_force and known.user_id = new.same_as_user_id
  ) then
    raise exception 'the second id of a merge goes by another one already: name the one that the person goes by';
  end if;
  return new;
end $$;

create trigger leads_to_a_person before insert on privacy.identity_merges
for each row execute function privacy.refuse_identity_knot();

-- The id that the person behind each id goes by; an id that was never merged goes by itself.
create function privacy.people_of(ids text[]) returns table (user_id text, person text)
language sql stable as $$
  with recursive walk (asked, at_id) as (
    select distinct i, i from unnest(ids) as i
    union all
    select walk.asked, m.same_as_user_id from walk
    join privacy.identity_merges as m on m.is_in_force and m.user_id = walk.at_id
  )
  select walk.asked, walk.at_id from walk
  where not exists (select from privacy.identity_merges as m where m.is_in_force and m.user_id = walk.at_id)
$$;

-- Every id of the people behind some ids, themselves included.
create function privacy.ids_of(ids text[]) returns table (asked text, user_id text)
language sql stable as $$
  with recursive asked_for (asked, person) as (select p.user_id, p.person from privacy.people_of(ids) as p),
  members (person, member) as (
    select distinct a.person, a.person from asked_for as a
    union all
    select members.person, m.user_id from members
    join privacy.identity_merges as m on m.is_in_force and m.same_as_user_id = members.member
  )
  select a.asked, members.member from asked_for as a join members on members.person = a.person
$$;

-- As before, but a hold on a person holds what lies under any of their ids.
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
        'with held as materialized (select h.*, i.user_id as held_id from privacy.legal_holds h'
        ' left join lateral privacy.ids_of(array[h.subject]) i on h.subject is not null'
        ' where h.placed_at <= $1 and (h.ends_at is null or h.ends_at > $1)'
        ' and (h.table_name is null or h.table_name = ''raw.system_logs''))'
        ' select exists (select from raw.%1$I l join held h on'
        ' (h.subject is null or h.held_id = l.user_id)'
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
