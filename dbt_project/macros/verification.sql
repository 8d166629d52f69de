{#
  Tests look at days that no test has passed yet, so a one-day run tests one day. A failed or skipped test leaves
  its days unverified: they are tested again in every run until the fault is gone.
#}
{% macro unverified_days(model) -%}
    select event_day from {{ model_days() }} where model = '{{ model }}' and not is_verified
{%- endmacro %}

{# As an array the planner takes them for few and uses the index; as a subquery it would read the whole table. #}
{% macro is_unverified(column, model) -%}
    {{ column }} = any(array({{ unverified_days(model) }}))
{%- endmacro %}

{#
  Days of events that a model has not read yet in their present version, or not passed its tests with. For tests of a
  view that it reads: they run before the model is built, when its own list of days knows nothing of a new one.
#}
{% macro days_unread_by(model) -%}
    select present.event_day from {{ source('safe', 'event_days') }} as present
    {% if not flags.FULL_REFRESH -%}
    where not exists (
        select 1 from {{ model_days() }} as built
        where built.model = '{{ model }}' and built.upstream = 'event_days' and built.is_verified
            and built.event_day = present.event_day and built.version = present.version
    )
    {%- endif %}
{%- endmacro %}

{# Weekly cutoffs that an unverified day can have changed: features look back 365 days, labels ahead 28. #}
{% macro unverified_cutoffs(model) -%}
    select cutoff_on::date
    from ({{ unverified_days(model) }}) as days
    cross join lateral ({{ mondays('days.event_day - 28', 'days.event_day + 365') }}) as cutoffs
{%- endmacro %}

{#
  dbt's own hook for a test's `where`; fills the placeholders __unverified_days__ and __unverified_cutoffs__.
  A view has no days of its own: tests of web users go by those of ses_web_sessions, __unverified_web_days__, those of
  consents look at all people, once there is any news (__consents_are_unverified__), and those
  of shared events and of texts by the days that their reader has yet to read, __..._days_unread__.
#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%} {% do return(relation) %} {%- endif -%}
    {%- set where = where
        | replace('__unverified_days__', 'any(array(' ~ unverified_days(relation.identifier) ~ '))')
        | replace('__unverified_cutoffs__', 'any(array(' ~ unverified_cutoffs(relation.identifier) ~ '))')
        | replace('__unverified_weeks__', 'any(array(' ~ unverified_weeks(relation.identifier) ~ '))')
        | replace('__unverified_web_days__', 'any(array(' ~ unverified_days('ses_web_sessions') ~ '))')
        | replace('__consents_are_unverified__', 'exists (' ~ unverified_days('agg_web_consent_log') ~ ')')
        | replace('__shared_days_unread__', 'any(array(' ~ days_unread_by('mart_cross_company_features') ~ '))')
        | replace('__text_days_unread__', 'any(array(' ~ days_unread_by('ftr_prompt_response_pairs') ~ '))') -%}
    {% do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') %}
{%- endmacro %}

{#
  on-run-end: a model's days are verified when every data test on it ran and passed, and none failed on a view that
  reads it, through other views too. What a model is only compared with has tests of its own.
#}
{% macro verify_days(results) %}
    {% if not execute %} {{ return('') }} {% endif %}
    {% set passed, untested, models = {}, {}, [] %}
    {% for result in results if result.node.resource_type == 'test' and result.status in ('pass', 'warn') %}
        {% do passed.update({result.node.unique_id: true}) %}
    {% endfor %}
    {% for test in graph.nodes.values() if test.resource_type == 'test' and test.unique_id not in passed %}
        {% set tested = [test.attached_node] if test.attached_node else test.depends_on.nodes %}
        {% for model in tested %} {% do untested.update({model: true}) %} {% endfor %}
    {% endfor %}
    {% set faulty = [] %}
    {% for result in results if result.node.resource_type == 'test' and result.status in ('fail', 'error') %}
        {% do faulty.extend(result.node.depends_on.nodes) %}
    {% endfor %}
    {% for name in faulty if name in graph.nodes and graph.nodes[name].config.materialized == 'view' %}
        {% for upstream in graph.nodes[name].depends_on.nodes %}
            {% do untested.update({upstream: true}) %}
            {% do faulty.append(upstream) %}
        {% endfor %}
    {% endfor %}
    {% for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental'
        and node.unique_id not in untested %}
        {% do models.append("'" ~ node.name ~ "'") %}
    {% endfor %}
    {% if models %}
    update {{ model_days() }} set is_verified = true
    where not is_verified and model in ({{ models | join(', ') }})
    {% endif %}
{% endmacro %}

{#
  In a test of a model: whether a unique index of its table, whole and over none but these columns, holds rows apart.
  It is looked up in the database when the test runs, so a table that lost its index is searched for repeats.
#}
{% macro has_unique_index(columns) -%}
    {%- set tested = graph.nodes[model.attached_node] if execute and model.attached_node else none -%}
    exists (
        select 1 from pg_catalog.pg_index as i
        where i.indrelid = to_regclass('{{ tested.schema ~ '.' ~ tested.alias if tested else '' }}')
            and i.indisunique and i.indisvalid and i.indnkeyatts = i.indnatts
            and i.indpred is null and i.indexprs is null
            and array(
                select a.attname::text from pg_catalog.pg_attribute as a
                where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            ) <@ array{{ columns }}
    )
{%- endmacro %}
