"""Aggregates over a lateral, written as a join and a group by. Not the dialect: these are the same rows in plain SQL.

Spark refuses an aggregate whose filter names the outer row, and plans a lateral as a join with a copy of all that
stands before it: five steps of a funnel, each looking back at the one before, are a plan that doubles five times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from sqlglot import exp

OUTER, INNER, FOUND = "outer_row", "inner_row", "found_row"
CLAUSES = ("where", "group", "having", "order")
Used = dict[tuple[str, str], exp.DataType | None]


def without_laterals(tree: exp.Expr) -> exp.Expr:
    """Change a qualified, typed query in place: every lateral or scalar aggregate over other tables becomes a join."""
    for select in reversed(list(tree.find_all(exp.Select))):
        _scalars_to_laterals(select)
        while (place := next(_places(select), None)) is not None:
            _join_and_group(select, place)
    return tree


def sources(select: exp.Expr) -> set[str]:
    """The names by which a query knows the tables it reads."""
    read = [select.args["from_"].this] if select.args.get("from_") else []
    return {s.alias_or_name for s in read + [j.this for j in select.args.get("joins") or []]}


def columns_of(node: exp.Expr, tables: set[str]) -> Iterator[exp.Column]:
    """Columns below a node of these tables; not where a query between has a table of that name."""
    if isinstance(node, exp.Column):
        if node.table in tables:
            yield node
        return
    visible = tables - sources(node) if isinstance(node, exp.Select) else tables
    for child in node.iter_expressions() if visible else ():
        yield from columns_of(child, visible)


def _names(node: exp.Expr, tables: set[str]) -> bool:
    return next(columns_of(node, tables), None) is not None


def _is_aggregate(query: exp.Expr) -> bool:
    """Whether a query gives exactly one row, of aggregates."""
    if not isinstance(query, exp.Select) or any(
        query.args.get(key) for key in ("group", "distinct", "limit", "having")
    ):
        return False
    return all(p.find(exp.AggFunc) and not p.find(exp.Window) for p in query.expressions)


def _scalars_to_laterals(select: exp.Select) -> None:
    if select.args.get("group") or not select.args.get("from_"):
        return
    mine, found = sources(select), list(chain.from_iterable(p.find_all(exp.Subquery) for p in select.expressions))
    for number, query in enumerate(q for q in found if q.find_ancestor(exp.Select) is select):
        inner = query.this
        if not _is_aggregate(inner) or not _names(inner, mine) or not _can_join(inner, mine):
            continue
        name, value = f"scalar_{number}", inner.expressions[0]
        query.replace(_column("value", name, value.type))
        inner.set("expressions", [_typed(exp.alias_(value.unalias().copy(), "value"), value.type)])
        lateral = exp.Subquery(this=inner.copy(), alias=exp.TableAlias(this=exp.to_identifier(name)))
        lateral.meta["lateral"] = True
        select.append("joins", exp.Join(this=lateral, kind="CROSS"))


def _places(select: exp.Select) -> Iterator[int]:
    """The joins of a query that are laterals which can become a join and a group by."""
    if not select.args.get("from_"):
        return
    before = {select.args["from_"].this.alias_or_name}
    for place, join in enumerate(select.args.get("joins") or []):
        is_lateral = join.this.meta.get("lateral") and join.args.get("on") in (None, exp.true())
        if is_lateral and _is_aggregate(join.this.this) and _can_join(join.this.this, before):
            yield place
        before.add(join.this.alias_or_name)


def _can_join(inner: exp.Select, before: set[str]) -> bool:
    """What it reads stands by itself, but for conditions; or is one query of which that is true."""
    own = sources(inner)
    if not own or before & own:
        return False
    parts = [inner.args["from_"], *(inner.args.get("joins") or [])]
    if not any(_names(part, before) for part in parts):
        return True
    nested = _nested(inner)
    return nested is not None and not before & sources(nested) and _reads_alone(nested, before)


def _nested(inner: exp.Select) -> exp.Select | None:
    """The only thing that a query reads, where that is a query of rows of tables."""
    query = inner.args["from_"].this
    if inner.args.get("joins") or not isinstance(query, exp.Subquery) or not isinstance(query.this, exp.Select):
        return None
    odd = any(query.this.args.get(key) for key in ("distinct", "limit", "having"))
    return None if odd or not sources(query.this) else query.this


def _reads_alone(query: exp.Select, before: set[str]) -> bool:
    return not any(_names(part, before) for part in (query.args["from_"], *(query.args.get("joins") or [])))


def _join_and_group(select: exp.Select, place: int) -> None:
    """Replace what stands before the lateral, and the lateral, by one query that both are columns of."""
    joins = select.args["joins"]
    inner, name = joins[place].this.this, joins[place].this.alias
    before = {select.args["from_"].this.alias_or_name} | {join.this.alias_or_name for join in joins[:place]}
    keys = _used([*select.expressions, *joins[place:], *_clauses(select)], before)
    outer = exp.Select(
        expressions=[*_flat(keys), exp.alias_(exp.func("monotonically_increasing_id"), "row_id")],
        from_=select.args["from_"].copy(),
        joins=[join.copy() for join in joins[:place]],
    )
    nested = None if _reads_alone(inner, before) else _nested(inner)
    rows = _rows(outer, nested or inner, before, keys, nested)
    carrier = f"with_{name}"
    grouped = _grouped(rows, inner, before, keys, name, None if nested is None else inner.args["from_"].this.alias)
    select.set("from_", exp.From(this=_named(grouped, carrier)))
    select.set("joins", joins[place + 1 :])
    for part in [*select.expressions, *select.args["joins"], *_clauses(select)]:
        for column in list(columns_of(part, before | {name})):
            column.replace(_column(f"{column.table}__{column.name}", carrier, column.type))
    for picked in list(select.expressions):
        if isinstance(picked, exp.Column):
            picked.replace(_typed(exp.alias_(picked.copy(), picked.name.split("__", 1)[1]), picked.type))


def _rows(outer: exp.Select, query: exp.Select, before: set[str], keys: Used, nested: exp.Select | None) -> exp.Select:
    """The outer rows with each row of `query` that fits, or with none; a nested query is worked out among these."""
    own, where = sources(query), query.args.get("where")
    conditions = (
        list(where.this.flatten()) if where and isinstance(where.this, exp.And) else [where.this] if where else []
    )
    across = [c for c in conditions if _names(c, before)]
    near = [c.copy() for c in conditions if not _names(c, before)]
    parts = [*query.expressions, *across, *([query.args["group"]] if query.args.get("group") else [])]
    inner = exp.Select(
        expressions=[*_flat(_used(parts, own)), exp.alias_(exp.true(), "is_there")],
        from_=query.args["from_"].copy(),
        joins=[join.copy() for join in query.args.get("joins") or []],
        where=exp.Where(this=exp.and_(*near)) if near else None,
    )
    tables = {OUTER: before, INNER: own}
    on = exp.and_(*[_renamed(c, tables) for c in across]) if across else exp.true()
    kept = [exp.column(f"{t}__{c}", OUTER) for t, c in keys] + [exp.column("row_id", OUTER)]
    is_there: exp.Expr = exp.column("is_there", INNER)
    select = exp.Select(
        from_=exp.From(this=_named(outer, OUTER)), joins=[exp.Join(this=_named(inner, INNER), side="LEFT", on=on)]
    )
    if nested is None:
        values: list[exp.Expr] = [exp.column(f"{t}__{c}", INNER) for t, c in _used(parts, own)]
    else:
        values = [exp.alias_(_renamed(p, tables).unalias(), p.alias_or_name) for p in nested.expressions]
        for window in chain.from_iterable(v.find_all(exp.Window) for v in values):
            window.set("partition_by", [*(window.args.get("partition_by") or []), exp.column("row_id", OUTER)])
        if nested.args.get("group"):
            by = [_renamed(g, tables) for g in nested.args["group"].expressions]
            select.set("group", exp.Group(expressions=[*by, *(k.copy() for k in kept)]))
            is_there = exp.LogicalOr(this=is_there)
    select.set("expressions", [*kept, *values, exp.alias_(is_there, "is_there")])
    return select


def _grouped(
    rows: exp.Select, inner: exp.Select, before: set[str], keys: Used, name: str, nested: str | None
) -> exp.Select:
    """One row for each outer row: its columns, and the aggregates over the rows that were found for it."""
    kept = [exp.column(f"{t}__{c}", FOUND) for t, c in keys]
    condition: list[exp.Expr] = [exp.column("is_there", FOUND)]
    if nested is not None and inner.args.get("where"):
        condition.append(exp.Paren(this=_found(inner.args["where"].this, before, nested)))
    values = []
    for picked in inner.expressions:
        value = _found(picked, before, nested) if nested else _renamed(picked, {FOUND: before | sources(inner)})
        values.append(exp.alias_(_only_of_found(value, condition).unalias(), f"{name}__{picked.alias_or_name}"))
    return exp.Select(
        expressions=[*kept, *values],
        from_=exp.From(this=_named(rows, FOUND)),
        group=exp.Group(expressions=[exp.column("row_id", FOUND), *(k.copy() for k in kept)]),
    )


def _found(node: exp.Expr, before: set[str], nested: str) -> exp.Expr:
    """A nested query's columns keep their names among the rows found."""
    renamed = exp.Paren(this=_renamed(node, {FOUND: before}))
    for column in list(columns_of(renamed, {nested})):
        column.replace(_column(column.name, FOUND, column.type))
    return _inside(renamed)


def _only_of_found(node: exp.Expr, condition: list[exp.Expr]) -> exp.Expr:
    """Every aggregate sees rows that were found, not the empty one of an outer row without any."""
    for aggregate in [a for a in node.find_all(exp.AggFunc) if not a.find_ancestor(exp.AggFunc)]:
        whole = aggregate.parent if isinstance(aggregate.parent, exp.WithinGroup) else aggregate
        only = [c.copy() for c in condition]
        if isinstance(whole.parent, exp.Filter):
            asked = whole.parent.expression
            asked.set("this", exp.and_(*only, exp.Paren(this=asked.this.copy())))
        else:
            where = exp.Where(this=exp.and_(*only))
            whole.replace(_typed(exp.Filter(this=whole.copy(), expression=where), whole.type))
    return node


def _renamed(node: exp.Expr, tables: dict[str, set[str]]) -> exp.Expr:
    holder = exp.Paren(this=node.copy())
    for name, olds in tables.items():
        for column in list(columns_of(holder, olds)):
            column.replace(_column(f"{column.table}__{column.name}", name, column.type))
    return _inside(holder)


def _inside(holder: exp.Paren) -> exp.Expr:
    inner: exp.Expr = holder.this
    return inner


def _used(parts: Iterable[exp.Expr], tables: set[str]) -> Used:
    return {(c.table, c.name): c.type for part in parts for c in columns_of(part, tables)}


def _flat(used: Used) -> list[exp.Expr]:
    return [exp.alias_(exp.column(name, table), f"{table}__{name}") for table, name in used]


def _clauses(select: exp.Select) -> list[exp.Expr]:
    return [select.args[key] for key in CLAUSES if select.args.get(key)]


def _named(query: exp.Select, name: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name)))


def _column(name: str, table: str, of_type: exp.DataType | None) -> exp.Expr:
    return _typed(exp.column(name, table), of_type)


def _typed(node: exp.Expr, of_type: exp.DataType | None) -> exp.Expr:
    node.type = of_type
    return node
