{#
  Incremental by dirty day. staging.model_days says which version of which upstream day each model has built.
  A model's pre-hook compares it with the upstream's present versions and keeps the difference in the temporary
  table dirty_days; the post-hook writes the state from that very table. Both run in the model's own transaction:
  a killed build leaves rows and state as they were, and a day that changes meanwhile is dirty again next time.
#}
{% macro model_days() -%} {{ generate_schema_name('staging', none) }}.model_days {%- endmacro %}

{% macro create_model_days() %}
    create table if not exists {{ model_days() }} (
        model text,
        upstream text,
        event_day date,
        version bigint not null,
        is_verified boolean not null default false,
        primary key (model, upstream, event_day)
    );
    create index if not exists model_days_unverified on {{ model_days() }} (model, event_day) where not is_verified
{% endmacro %}

{# Days and versions of one upstream: the privacy transform's own list, or what an upstream model has built. #}
{% macro upstream_days(upstream) -%}
    {%- if upstream == 'event_days' -%}
    select '{{ upstream }}' as upstream, event_day, version from {{ source('safe', 'event_days') }}
    {%- else -%}
    select '{{ upstream }}' as upstream, event_day, max(version) as version
    from {{ model_days() }} where model = '{{ upstream }}' group by event_day
    {%- endif -%}
{%- endmacro %}

{#
  Pre-hook, part one: what has to be built. A version of null is a day that is gone upstream. `counted` is the model that
  counts events for the tests: named here it goes before whatever these tests must hold up.
#}
{% macro find_dirty_days(upstreams, counted=none) %}
    set local jit = off;
    {# dbt's threads keep the cores busy; workers would cost a fifth more, passing whole events from one to another. #}
    set local max_parallel_workers_per_gather = 0;
    {% if is_incremental() %}
    {# The planner takes dirty days for ten and, where days do not lie in order, reads all events instead of one day. #}
    set local enable_seqscan = off;
    {% endif %}
    select pg_advisory_xact_lock(hashtextextended('{{ this }}', 0));
    {% if not is_incremental() %}
    {{ keep_closed_days() }};
    delete from {{ model_days() }} where model = '{{ this.name }}';
    {% endif %}
    create temporary table dirty_days on commit drop as
    select upstream, event_day, present.version
    from (
        {% for upstream in upstreams %}
        {{ upstream_days(upstream) }}
        {% if not loop.last %} union all {% endif %}
        {% endfor %}
    ) as present
    full join (
        select upstream, event_day, version from {{ model_days() }} where model = '{{ this.name }}'
    ) as built using (upstream, event_day)
    where present.version is distinct from built.version;
    analyze dirty_days
{% endmacro %}

{# Pre-hook, part two, for models with a column event_day. #}
{% macro delete_dirty_days() %}
    {% if is_incremental() %}
    delete from {{ this }} where event_day = any(array(select event_day from dirty_days))
    {% endif %}
{% endmacro %}

{# In a model: keep the days that have to be built. As an array, the planner takes them for few and uses the index. #}
{% macro where_dirty_day(column='event_day') -%}
    {%- if is_incremental() %} where {{ column }} = any(array(select event_day from dirty_days)) {% endif -%}
{%- endmacro %}

{# The same after other conditions. #}
{% macro and_dirty_day(column='event_day') -%}
    {%- if is_incremental() %} and {{ column }} = any(array(select event_day from dirty_days)) {% endif -%}
{%- endmacro %}

{# Post-hook: the state follows the rows, in the same transaction. #}
{% macro record_built_days() %}
    delete from {{ model_days() }} as built
    using dirty_days as gone
    where built.model = '{{ this.name }}' and gone.version is null
        and built.upstream = gone.upstream and built.event_day = gone.event_day;
    insert into {{ model_days() }} (model, upstream, event_day, version)
    select '{{ this.name }}', upstream, event_day, version from dirty_days where version is not null
    on conflict (model, upstream, event_day) do update set version = excluded.version, is_verified = false
    {% if not is_incremental() %}; {{ put_closed_days_back() }}; analyze {{ this }} {% endif %}
{% endmacro %}

{#
  A full refresh cannot make days again whose events are past their retention: no state and no safe day is left of them.
  It keeps their rows as they are, in every model with a column event_day, and what is made of such rows is made anew.
#}
{% macro keep_closed_days() %}
    do $closed$ begin
        if exists (
            select from pg_attribute where attrelid = to_regclass('{{ this.schema }}.{{ this.identifier }}')
                and attname = 'event_day' and not attisdropped
        ) then
            create temporary table closed_rows on commit drop as
            select * from {{ this }} as old
            where not exists (
                select from {{ model_days() }} as built
                where built.model = '{{ this.name }}' and built.event_day = old.event_day
            ) and not exists (
                select from {{ source('safe', 'event_days') }} as present where present.event_day = old.event_day
            );
        end if;
    end $closed$
{% endmacro %}

{# A column that is new since then is null in them. #}
{% macro put_closed_days_back() %}
    do $closed$ declare
        shared text := (
            select string_agg(quote_ident(new.attname), ', ')
            from pg_attribute as new
            inner join pg_attribute as old on new.attname = old.attname and new.atttypid = old.atttypid
            where new.attrelid = to_regclass('{{ this.schema }}.{{ this.identifier }}') and new.attnum > 0
                and old.attrelid = to_regclass('pg_temp.closed_rows') and not (new.attisdropped or old.attisdropped)
        );
    begin
        if shared is not null then
            execute 'insert into {{ this }} (' || shared || ') select ' || shared || ' from closed_rows as old '
                || 'where not exists (select from {{ this }} as made where made.event_day = old.event_day)';
        end if;
    end $closed$
{% endmacro %}
