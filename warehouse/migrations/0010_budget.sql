-- What differential privacy may spend, what it spent, and what was released for it. Append-only; written by privacy.
create table privacy.budgets (
  dataset text not null check (dataset <> ''),
  purpose text not null check (purpose <> ''),
  period text not null check (period <> ''),
  epsilon double precision not null check (epsilon > 0 and epsilon < 1000),
  delta double precision not null check (delta > 0 and delta < 1),
  -- What the ledger adds up: rho of zero-concentrated differential privacy, and the delta of private group selections.
  rho_limit numeric(30, 18) not null check (rho_limit > 0 and rho_limit < 1000),
  delta_limit numeric(30, 18) not null check (delta_limit >= 0 and delta_limit < 1),
  granted_by text not null,
  reason text not null,
  granted_at timestamptz not null,
  primary key (dataset, purpose, period)
);

create table privacy.budget_spends (
  spend_id bigint generated always as identity primary key,
  dataset text not null,
  purpose text not null,
  period text not null,
  query_digest bytea not null,
  what text not null,
  -- numeric knows NaN, which is above everything: the upper bounds refuse it.
  rho numeric(30, 18) not null check (rho > 0 and rho < 1000),
  delta numeric(30, 18) not null check (delta >= 0 and delta < 1),
  reserved_at timestamptz not null,
  foreign key (dataset, purpose, period) references privacy.budgets
);

create index on privacy.budget_spends (dataset, purpose, period);

create table privacy.releases (
  spend_id bigint primary key references privacy.budget_spends,
  query_digest bytea not null unique,
  facts jsonb not null,
  noisy jsonb not null,
  released_at timestamptz not null
);

-- The limit holds for whoever inserts: the row lock makes spends of one budget wait for each other, and under
-- read committed the sum after it sees what was committed meanwhile. A snapshot taken earlier would not.
create function privacy.check_budget() returns trigger language plpgsql as $$
declare
  budget privacy.budgets;
  spent_rho numeric;
  spent_delta numeric;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'a spend needs isolation level read committed' using errcode = 'LB002';
  end if;
  select * into budget from privacy.budgets
  where dataset = new.dataset and purpose = new.purpose and period = new.period
  for update;
  select coalesce(sum(rho), 0), coalesce(sum(delta), 0) into spent_rho, spent_delta from privacy.budget_spends
  where dataset = new.dataset and purpose = new.purpose and period = new.period;
  if spent_rho + new.rho > budget.rho_limit or spent_delta + new.delta > budget.delta_limit then
    raise exception 'the privacy budget does not cover this spend' using errcode = 'LB001';
  end if;
  return new;
end $$;

create trigger within_limit before insert on privacy.budget_spends
for each row execute function privacy.check_budget();

create function privacy.refuse_budget_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: what was spent stays spent', tg_table_schema, tg_table_name;
end $$;

create trigger append_only before update or delete or truncate on privacy.budgets
for each statement execute function privacy.refuse_budget_change();

create trigger append_only before update or delete or truncate on privacy.budget_spends
for each statement execute function privacy.refuse_budget_change();

create trigger append_only before update or delete or truncate on privacy.releases
for each statement execute function privacy.refuse_budget_change();
