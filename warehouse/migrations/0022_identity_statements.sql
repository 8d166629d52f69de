-- A file states thousands of aliases at once: the ways of a statement's rows are checked together, after the last one.
drop trigger leads_to_a_person on privacy.identity_merges;

create or replace function privacy.refuse_identity_knot() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('privacy.identity_merges', 0));
  if exists (
    select from added join privacy.identity_merges as known on known.user_id = added.same_as_user_id
    where added.is_in_force and known.is_in_force
  ) then
    raise exception 'the second id of a merge goes by another one already: name the one that the person goes by';
  end if;
  return null;
end $$;

create trigger leads_to_a_person after insert on privacy.identity_merges
referencing new table as added for each statement execute function privacy.refuse_identity_knot();
