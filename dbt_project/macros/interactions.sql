{# Kinds of interaction and their action: what agg_user_activity_day counts and ftr_user_behavior_weekly sums. #}
{% macro interactions() -%}
    {% do return({
        'page_views': 'page_view', 'clicks': 'click', 'feature_uses': 'feature_use', 'searches': 'search',
        'exports': 'export', 'forms': 'form_submit', 'api_calls': 'call', 'prompts': 'prompt', 'tickets': 'ticket'
    }) %}
{%- endmacro %}
