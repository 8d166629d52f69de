-- A prompt with the answer that its exchange ended with, both as vectors, and how the exchange went.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    contract={'enforced': true},
    indexes=[{'columns': ['subject', 'event_day', 'exchange_no'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook=["{{ record_built_days() }}", "{{ create_nearest_pairs() }}"]
) }}

with embeddings as (
    select event_id, event_day, kind, version, embedding from {{ ref('stg_text_embeddings') }}
    {{ where_dirty_day() }}
),

texts as (
    select event_day, event_id, bool_or(kind = 'prompt') as is_prompt, bool_or(kind = 'response') as is_answer
    from embeddings group by event_day, event_id
),

numbered as (
    select
        e.*,
        coalesce(t.is_answer, false) or e.action = 'response' as is_answer,
        sum((coalesce(t.is_prompt, false) or e.action = 'prompt')::int) over (
            partition by e.subject, e.event_day order by e.occurred_at, e.event_id rows unbounded preceding
        ) as exchange_no
    from {{ ref('stg_training_events') }} as e
    left join texts as t on e.event_day = t.event_day and e.event_id = t.event_id
    where (t.event_id is not null or e.action in ('prompt', 'response', 'rating'))
        {% if is_incremental() %} and e.event_day = any(array(select event_day from dirty_days)) {% endif %}
),

exchanges as (
    select
        subject,
        event_day,
        exchange_no,
        max(known_on) as known_on,
        {{ first_of('event_id') }} as prompt_id,
        coalesce({{ last_of('event_id', 'is_answer') }}, {{ first_of('event_id') }}) as answer_id,
        coalesce({{ last_of('ai_model', 'is_answer') }}, {{ first_of('ai_model') }}) as ai_model,
        {{ first_of('intent') }} as intent,
        {{ first_of('prompt_template') }} as prompt_template,
        {{ first_of('language') }} as prompt_language,
        {{ first_of('prompt_length') }} as prompt_length,
        {{ first_of('prompt_complexity') }} as prompt_complexity,
        {{ first_of('sentiment') }} as sentiment,
        {{ first_of('n_tokens') }} as n_prompt_tokens,
        (count(*) filter (where is_answer))::int as n_answers,
        sum(n_tokens) filter (where is_answer and action = 'response') as n_answer_tokens,
        {{ last_of('latency_ms', 'is_answer') }} as latency_ms,
        {{ last_of('quality', 'is_answer') }} as quality,
        {{ last_of('coalesce(error_code, failure_reason)', 'is_answer and is_error') }} as failure_reason,
        coalesce(bool_or(is_answer and not is_error), false) as has_succeeded,
        coalesce(bool_or(is_answer and is_error), false) as has_failed,
        {{ last_of('rating', "action = 'rating'") }} as rating,
        coalesce(bool_or(is_edited), false) as is_edited,
        coalesce(bool_or(is_regenerated), false) as is_regenerated,
        coalesce(bool_or(is_bot), false) as is_bot
    from numbered
    where exchange_no > 0
    group by subject, event_day, exchange_no
)

select
    e.subject, e.event_day, e.exchange_no::int as exchange_no, e.known_on, e.is_bot, e.ai_model, e.intent,
    e.prompt_template, e.prompt_language, e.prompt_length, e.prompt_complexity, e.sentiment, e.n_prompt_tokens,
    e.n_answers, e.n_answer_tokens, e.latency_ms, e.quality, e.failure_reason, e.has_succeeded, e.has_failed,
    e.rating, e.is_edited, e.is_regenerated,
    p.version as embedding_version,
    p.embedding as prompt_embedding,
    a.embedding as response_embedding,
    (1 - (p.embedding <=> a.embedding))::double precision as similarity
from exchanges as e
inner join embeddings as p on e.event_day = p.event_day and e.prompt_id = p.event_id and p.kind = 'prompt'
left join embeddings as a
    on p.event_day = a.event_day and e.answer_id = a.event_id and a.kind = 'response' and p.version = a.version
