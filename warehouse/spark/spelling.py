"""PostgreSQL's short spellings, said in full before types are looked for: named windows, functions that are tables."""

from __future__ import annotations

from sqlglot import exp

SERIES = (exp.ExplodingGenerateSeries, exp.GenerateSeries)


def spelled_out(tree: exp.Expr) -> exp.Expr:
    """Change a parsed query in place: no named windows, and each function in `from` a query that names its columns."""
    for select in tree.find_all(exp.Select):
        _say_windows(select)
    for source in list(tree.find_all(exp.Unnest, exp.Table, exp.Lateral, exp.Values)):
        if isinstance(source, exp.Table):
            source.set("catalog", None)
        rows = _rows_of(source) if isinstance(source.parent, exp.From | exp.Join) else None
        if rows is not None:
            alias = exp.TableAlias(this=source.args["alias"].this.copy())
            source.replace(exp.Lateral(this=exp.Subquery(this=rows), alias=alias))
    return tree


def flattened(tree: exp.Expr) -> exp.Expr:
    """Laterals as subqueries that are marked as such: sqlglot finds the types of these, and none of a lateral's."""
    for lateral in list(tree.find_all(exp.Lateral)):
        if isinstance(lateral.this, exp.Subquery):
            query = exp.Subquery(this=lateral.this.this, alias=lateral.args.get("alias"))
            query.meta["lateral"] = True
            lateral.replace(query)
    return tree


def _say_windows(select: exp.Select) -> None:
    named = {window.this.name: window for window in select.args.get("windows") or []}
    for window in list(select.find_all(exp.Window)) if named else []:
        alias = window.args.get("alias")
        if alias is None or alias.name not in named or window.find_ancestor(exp.Select) is not select:
            continue
        said = named[alias.name]
        window.set("alias", None)
        window.set("partition_by", [part.copy() for part in said.args.get("partition_by") or []])
        if said.args.get("order") is not None:
            window.set("order", said.args["order"].copy())
    select.set("windows", None)


def _rows_of(source: exp.Expr) -> exp.Query | None:
    """A function in `from`, or values, as a query; None for a table."""
    made = source.this if isinstance(source, exp.Lateral | exp.Table) else source
    if isinstance(made, exp.Subquery) and isinstance(made.this, exp.Values):
        made = made.this
    if not isinstance(made, (exp.Unnest, exp.Values, *SERIES)):
        return None
    alias = source.args["alias"]
    names = [column.name for column in alias.columns] or [alias.name]
    if isinstance(made, exp.Values):
        rows = [exp.Select(expressions=_columns(row.expressions, names)) for row in made.expressions]
        return exp.union(*rows, distinct=False) if len(rows) > 1 else rows[0]
    items: list[exp.Expr] = [exp.Explode(this=item) for item in made.expressions] or [made]
    query = exp.Select(expressions=_columns(items, names))
    place = made.args.get("offset")
    if place:
        query.append("expressions", exp.alias_(exp.cast(exp.Literal.number(1), "bigint"), place.name))
    query.meta["function"] = "posexplode" if place else "explode"
    return query


def _columns(values: list[exp.Expr], names: list[str]) -> list[exp.Expr]:
    return [exp.alias_(value.copy(), name) for value, name in zip(values, names, strict=False)]
