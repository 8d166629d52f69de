{#
  The typed columns of an event, for the staging views. JSON is read here and nowhere below; the registry says from
  which key: keys of an event's data stand at the top, those of its client under _client_info. A column is null
  where the event has no such key, or one of another type.
#}
{% macro event_texts() -%}
    {% do return({
        'page': 'page', 'feature': 'feature', 'endpoint': 'endpoint', 'method': 'method', 'form': 'form',
        'element': 'element', 'file_format': 'format', 'intent': 'intent', 'ai_model': 'model',
        'prompt_template': 'prompt_template', 'language': 'language', 'error_code': 'code', 'severity': 'severity',
        'failure_reason': 'reason', 'plan': 'plan', 'previous_plan': 'previous_plan', 'currency': 'currency',
        'acquisition_channel': 'acquisition_channel', 'experiment': 'experiment', 'variant': 'variant',
        'topic': 'topic', 'payment_method': 'payment_method', 'api_key': 'api_key', 'resource': 'resource',
        'threat_type': 'threat_type', 'reference_style': 'reference_style', 'reference_field': 'reference_field'
    }) %}
{%- endmacro %}

{% macro client_texts() -%}
    {% do return({'device': 'device', 'os': 'os', 'locale': 'locale', 'network': 'network'}) %}
{%- endmacro %}

{% macro event_numbers() -%}
    {% do return([
        'load_ms', 'duration_ms', 'n_results', 'n_rows', 'score', 'status', 'request_bytes', 'prompt_length',
        'prompt_complexity', 'sentiment', 'n_tokens', 'response_length', 'cpu_percent', 'memory_percent',
        'queue_length', 'risk_score', 'seats', 'amount', 'mrr', 'cost', 'quality', 'readability', 'n_citations',
        'n_corrections'
    ]) %}
{%- endmacro %}

{% macro event_flags() -%}
    {% do return({
        'is_bot': 'is_bot', 'is_valid': 'is_valid', 'is_edited': 'edited', 'is_regenerated': 'regenerated',
        'is_handled': 'handled', 'is_granted': 'granted', 'is_blocked': 'blocked'
    }) %}
{%- endmacro %}

{% macro event_columns() -%}
    event_id,
    subject,
    persona,
    company,
    session,
    event_type,
    event_source,
    component,
    action,
    occurred_at,
    received_at,
    event_day,
    greatest(event_day, cast(received_at at time zone 'UTC' as date)) as known_on,
    {% for column, key in event_texts().items() -%}
    {{ json_text('data', key) }} as {{ column }},
    {% endfor -%}
    {% for column, key in client_texts().items() -%}
    {{ json_text("(data -> '_client_info')", key) }} as {{ column }},
    {% endfor -%}
    {% for key in event_numbers() -%}
    {{ json_number('data', key) }} as {{ key }},
    {% endfor -%}
    {% for column, key in event_flags().items() -%}
    {{ json_flag('data', key) }} as {{ column }},
    {% endfor -%}
    coalesce({{ json_flag('data', 'succeeded') }}, {{ json_flag('data', 'passed') }}) as has_succeeded,
    coalesce({{ json_number('data', 'n_files') }}, {{ json_number('data', 'n_rows') }},
        {{ json_number('data', 'n_results') }}) as n_items,
    coalesce({{ json_number('data', 'latency_ms') }}, {{ json_number('data', 'load_ms') }}) as latency_ms,
    coalesce({{ json_number('data', 'rating') }}, {{ json_number('data', 'score') }}) as rating,
    action in ('error', 'failed_login')
    or not coalesce({{ json_flag('data', 'succeeded') }}, {{ json_flag('data', 'is_valid') }}, true)
    or coalesce({{ json_number('data', 'status') }}, 0) >= 500 as is_error
{%- endmacro %}

{#
  At the end of a step that works columns out of others: they are worked out there, once a row. Without it PostgreSQL
  takes the step apart and works them out again at every mention.
#}
{% macro evaluated_once() -%} offset 0 {%- endmacro %}
