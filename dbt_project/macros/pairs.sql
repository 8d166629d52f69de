{# Prompts with their answers: what an exchange says of itself, and the pairs nearest to a vector. #}

{# The value of an exchange's first event, which is its prompt, and the last value of those events that fit. #}
{% macro first_of(column) -%}
    (array_agg({{ column }} order by occurred_at, event_id))[1]
{%- endmacro %}

{% macro last_of(column, where) -%}
    (array_agg({{ column }} order by occurred_at desc, event_id desc) filter (where {{ where }}))[1]
{%- endmacro %}

{#
  Post-hook: {schema}.nearest_pairs(vector, how many, before a date, version) gives the pairs whose prompt is nearest to
  a vector by cosine and that were known before the date, the nearest first; ties by the key. It compares with every
  pair: exact, and as fast as one pass over the table.
#}
{% macro create_nearest_pairs() %}
    create or replace function {{ this.schema }}.nearest_pairs(
        embedding vector, n_pairs integer, before date default 'infinity', of_version integer default 1
    ) returns table (subject text, event_day date, exchange_no integer, similarity double precision)
    language sql stable as $nearest$
        select p.subject, p.event_day, p.exchange_no, 1 - (p.prompt_embedding <=> nearest_pairs.embedding)
        from {{ this }} as p
        where p.known_on < nearest_pairs.before and p.embedding_version = nearest_pairs.of_version
        order by p.prompt_embedding <=> nearest_pairs.embedding, p.subject, p.event_day, p.exchange_no
        limit nearest_pairs.n_pairs
    $nearest$
{% endmacro %}
