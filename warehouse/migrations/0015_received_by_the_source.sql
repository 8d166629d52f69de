-- received_at is when an event could first be known: as its source states, or else when Lethe took it in. imported_at
-- is when Lethe took it in where the two differ: what was consented to by then counts, whatever the source knew.
alter table raw.system_logs add column imported_at timestamptz;
