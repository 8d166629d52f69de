-- Prompts and responses as vectors, of events whose subject agreed to model training. No words are in them.
select
    event_id,
    subject,
    session,
    kind,
    event_day,
    version,
    embedding
from {{ source('safe', 'text_embeddings') }}
