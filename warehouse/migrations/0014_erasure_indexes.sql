-- An anonymous copy is found by its day and id. Rows are written in this order, so the wider index costs little more.
create index on safe.anonymous_events (event_day, anonymous_id);
drop index safe.anonymous_events_event_day_idx;
