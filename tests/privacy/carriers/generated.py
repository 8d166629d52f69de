"""Models made at random that carry a person's key, or do not. PostgreSQL itself says which: see test_lineage.py."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

MARK = "u_5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"
EVENTS = "safe.pseudonymous_events"
DAYS = "safe.event_days"
Wrap = Callable[[str], str]

# Of an expression that is text, another expression of text that still holds it.
TEXTS: dict[str, Wrap] = {
    "concat": lambda x: f"'k:' || {x}",
    "concat function": lambda x: f"concat('a', {x}, 7)",
    "concat_ws": lambda x: f"concat_ws('/', 'x', {x})",
    "format": lambda x: f"format('<%s>', {x})",
    "cast": lambda x: f"cast({x} as varchar(200))",
    "double colon": lambda x: f"({x})::varchar::text",
    "upper": lambda x: f"upper({x})",
    "trim": lambda x: f"btrim(lpad({x}, 120))",
    "replace": lambda x: f"replace({x}, '~', '-')",
    "json": lambda x: f"(jsonb_build_object('k', {x}) ->> 'k')",
    "json object": lambda x: f"jsonb_build_object('a', jsonb_build_array(1, {x}))::text",
    "to_json": lambda x: f"to_jsonb({x})::text",
    "json path": lambda x: f"(jsonb_build_object('a', jsonb_build_object('b', {x})) #>> '{{a,b}}')",
    "array": lambda x: f"(array['z', {x}])[2]",
    "array text": lambda x: f"array[{x}]::text",
    "array_append": lambda x: f"array_to_string(array_append(array['q'], {x}), ',')",
    "case": lambda x: f"case when event_type is null then 'none' else {x} end",
    "case branch": lambda x: f"case action when 'nothing' then 'none' else {x} end",
    "coalesce": lambda x: f"coalesce(null, {x}, 'none')",
    "nullif": lambda x: f"nullif({x}, 'nobody')",
    "greatest": lambda x: f"greatest({x}, '')",
    "row": lambda x: f"row({x}, 1)::text",
    "scalar subquery": lambda x: f"(select {x})",
    "split": lambda x: f"split_part({x} || '|b', '|', 1)",
    "regexp": lambda x: f"regexp_replace({x}, '^~', '')",
}  # fmt: skip
# Of a query with the columns k, event_type, action, event_day and n: one whose k holds it still.
QUERIES: dict[str, Wrap] = {
    "subquery": lambda q: f"select * from ({q}) as inside",
    "cte": lambda q: f"with a as ({q}), b as (select * from a) select k, event_type, action, event_day, n from b",
    "cte names": lambda q: f"with a (k, event_type, action, event_day, n) as ({q}) select * from a",
    "union": lambda q: f"{_plain(q)} union all select 'x', 'y', 'z', current_date, 1",
    "union right": lambda q: f"select 'x' as k, 'y' as event_type, 'z' as action, current_date as event_day, 1 as n "
    f"union all select k, event_type, action, event_day, n from ({q}) as r",
    "window lag": lambda q: "select first_value(k) over (partition by action order by event_day, k desc) as k, "
    f"event_type, action, event_day, n from ({q}) as w where k ilike '%u_5ec2%'",
    "window max": lambda q: f"select max(k) over () as k, event_type, action, event_day, n from ({q}) as w "
    "where k ilike '%u_5ec2%'",
    "aggregate": lambda q: f"select min(k) as k, event_type, action, event_day, count(*)::int as n from ({q}) as g "
    "where k ilike '%u_5ec2%' group by event_type, action, event_day",
    "array_agg": lambda q: "select (array_agg(k order by n))[1] as k, event_type, action, event_day, 1 as n "
    f"from ({q}) as g where k ilike '%u_5ec2%' group by 2, 3, 4",
    "string_agg": lambda q: f"select string_agg(k, ',') as k, event_type, action, event_day, 1 as n from ({q}) as g "
    "group by event_type, action, event_day",
    "json_agg": lambda q: "select jsonb_agg(jsonb_build_object('x', k))::text as k, event_type, action, event_day, 1 "
    f"as n from ({q}) as g group by event_type, action, event_day",
    "mode": lambda q: "select mode() within group (order by k) as k, event_type, action, event_day, 1 as n "
    f"from ({q}) as g where k ilike '%u_5ec2%' group by event_type, action, event_day",
    "join": lambda q: f"select q.k, q.event_type, q.action, d.event_day, q.n from ({q}) as q "
    f"left join {DAYS} as d on d.event_day = q.event_day",
    "join using": lambda q: f"select k, event_type, action, event_day, n from ({q}) as q "
    f"left join {DAYS} using (event_day)",
    "cross join": lambda q: f"select q.* from (select 1 as one) as o cross join ({q}) as q",
    "join only": lambda q: "select o.other as k, q.event_type, q.action, q.event_day, q.n "
    f"from ({q}) as q join privacy_others as o on o.other = q.k",
    "lateral": lambda q: f"select l.k, q.event_type, q.action, q.event_day, q.n from ({q}) as q "
    "cross join lateral (select q.k as k where q.n > 0) as l",
    "unnest": lambda q: "select u.k, q.event_type, q.action, q.event_day, q.n "
    f"from ({q}) as q cross join lateral unnest(array[q.k, 'x']) as u (k)",
    "json rows": lambda q: "select j.value as k, q.event_type, q.action, q.event_day, q.n "
    f"from ({q}) as q cross join lateral jsonb_each_text(jsonb_build_object('a', q.k)) as j",
    "whole row": lambda q: f"select q::text as k, event_type, action, event_day, n from ({q}) as q",
    "row_to_json": lambda q: f"select row_to_json(q)::text as k, event_type, action, event_day, n from ({q}) as q",
    "recursive": lambda q: f"with recursive r (k, event_type, action, event_day, n) as (select * from ({q}) as s "
    "union all select k, event_type, action, event_day, n + 1 from r where n < 2) select * from r",
    "values": lambda q: f"select v.column1 as k, q.event_type, q.action, q.event_day, q.n from ({q}) as q "
    "cross join lateral (values (q.k), ('other')) as v",
    "correlated": lambda q: f"select (select max(d.n_in::text || q.k) from {DAYS} as d) as k, "
    f"event_type, action, event_day, n from ({q}) as q",
    "exists equality": lambda q: "select o.other as k, 'x' as event_type, 'y' as action, current_date as event_day, "
    f"1 as n from privacy_others as o where exists (select from ({q}) as q where q.k = o.other)",
    "in": lambda q: "select o.other as k, 'x' as event_type, 'y' as action, current_date as event_day, 1 as n "
    f"from privacy_others as o where o.other in (select q.k from ({q}) as q)",
    "exists filter": lambda q: f"select * from ({q}) as q "
    f"where exists (select from {EVENTS} as e where e.action = q.action)",
    "except": lambda q: f"select * from ({q}) as q except select 'x', 'y', 'z', current_date, 1",
}  # fmt: skip
# What is left of a key when only its absence, number, order or equality is told.
LOSSES: dict[str, Wrap] = {
    "count distinct": lambda q: "select count(distinct k)::text as k, event_type, action, event_day, 1 as n "
    f"from ({q}) as g group by event_type, action, event_day",
    "count filter": lambda q: "select (count(*) filter (where k is not null))::text as k, event_type, action, "
    f"event_day, 1 as n from ({q}) as g group by event_type, action, event_day",
    "partition by": lambda q: "select sum(n) over (partition by k order by event_day)::text as k, event_type, action, "
    f"event_day, n from ({q}) as w",
    "rank": lambda q: "select rank() over (order by k)::text as k, event_type, action, event_day, n "
    f"from ({q}) as w",
    "group by": lambda q: "select sum(n)::text as k, max(event_type) as event_type, action, max(event_day) as "
    f"event_day, 1 as n from ({q}) as g group by k, action",
    "flag": lambda q: f"select (k is null)::text as k, event_type, action, event_day, n from ({q}) as f",
    "case condition": lambda q: "select case when k like 'u%' then 'known' else 'unknown' end as k, event_type, "
    f"action, event_day, n from ({q}) as f",
    "length": lambda q: f"select length(k)::text as k, event_type, action, event_day, n from ({q}) as f",
    "order by": lambda q: f"select action as k, event_type, action, event_day, n from ({q}) as f order by k",
    "left out": lambda q: f"select event_type as k, event_type, action, event_day, n from ({q}) as f",
    "exists": lambda q: f"select d.n_in::text as k, 'x' as event_type, 'y' as action, d.event_day, 1 as n "
    f"from {DAYS} as d where exists (select from ({q}) as f where f.event_day = d.event_day)",
    "join on": lambda q: f"select e.action as k, e.event_type, e.action, e.event_day, 1 as n from {EVENTS} as e "
    f"join ({q}) as f on e.subject = f.k",
    "distinct on": lambda q: f"select distinct on (k) action as k, event_type, action, event_day, n from ({q}) as f",
    "array_agg order": lambda q: "select (array_agg(event_type order by k))[1] as k, max(event_type) as event_type, "
    f"action, event_day, 1 as n from ({q}) as g group by action, event_day",
}  # fmt: skip


# They read the key from another table, by equality: of a clean column they make a clean one only if values differ.
MEETING = ("join only", "exists equality", "in")


@dataclass(frozen=True, slots=True)
class Model:
    """A generated query, what it is made of, and whether it should carry."""

    sql: str
    made_of: tuple[str, ...]
    carries: bool


def models(seed: int, n_carrying: int, n_clean: int) -> list[Model]:
    """Every construct alone, then mixtures nested up to four deep."""
    source = random.Random(seed)  # noqa: S311
    alone = [_made("subject", [name], True) for name in (*TEXTS, *QUERIES)]
    clean = [_made("subject", [name], False) for name in LOSSES]
    clean += [_made("action", [name], False) for name in (*TEXTS, *QUERIES) if name not in MEETING]
    while len(alone) < n_carrying:
        alone.append(_made("subject", _mixture(source, [*TEXTS, *QUERIES]), True))
    while len(clean) < n_clean:
        constructs = [name for name in (*TEXTS, *QUERIES) if name not in MEETING]
        loss = source.choice(list(LOSSES))
        clean.append(_made("subject", [*_mixture(source, constructs, 2), loss], False))
    return alone + clean


def _mixture(source: random.Random, constructs: list[str], deepest: int = 4) -> list[str]:
    return [source.choice(constructs) for _ in range(source.randint(2, deepest))]


def _made(column: str, constructs: list[str], carries: bool) -> Model:
    query = f"select {column} as k, event_type, action, event_day, 1 as n from {EVENTS}"
    for name in constructs:
        if name in TEXTS:
            query = f"select {TEXTS[name]('k')} as k, event_type, action, event_day, n from ({query}) as t"
        else:
            query = (QUERIES | LOSSES)[name](query)
    return Model(query, (column, *constructs), carries)


def _plain(query: str) -> str:
    return f"select k, event_type, action, event_day, n from ({query}) as u"
