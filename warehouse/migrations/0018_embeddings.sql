-- Prompts and responses as vectors, beside their events. They hold no words, and hashes under a key of the vault.
create extension if not exists vector;

create table safe.text_embeddings (
  event_id text not null,
  subject text not null,
  session text,
  kind text not null check (kind in ('prompt', 'response')),
  event_day date not null,
  version smallint not null,
  embedding vector(768) not null,
  primary key (event_day, event_id, kind)
);
create index on safe.text_embeddings (subject);
