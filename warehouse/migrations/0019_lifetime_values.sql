-- BG/NBD fits and what they expect of each company. Companies are not persons.
create table ml.lifetime_fits (
  cutoff_on date primary key,
  r double precision not null,
  alpha_weeks double precision not null,
  a double precision not null,
  b double precision not null,
  log_likelihood double precision not null,
  n_customers bigint not null,
  horizon_weeks integer not null,
  fitted_at timestamptz not null
);

create table ml.lifetime_values (
  cutoff_on date not null references ml.lifetime_fits on delete cascade,
  company text not null,
  probability_alive double precision not null,
  expected_purchases double precision not null,
  mean_amount double precision not null,
  expected_value double precision not null,
  primary key (cutoff_on, company)
);
