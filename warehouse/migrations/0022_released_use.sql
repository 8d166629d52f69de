-- What was released of shared events: noisy numbers of people per feature, by the spend that paid for them.
create table safe.released_use (
  spend_id bigint not null references privacy.releases,
  first_on date not null,
  last_on date not null,
  event_type text not null,
  component text not null,
  action text not null,
  n_people bigint not null, -- with noise of the standard deviation beside it
  noise_sd double precision not null,
  released_at timestamptz not null,
  primary key (spend_id, event_type, component, action)
);

create trigger append_only before update or delete or truncate on safe.released_use
for each statement execute function privacy.refuse_budget_change();
