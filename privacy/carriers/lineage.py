"""Column lineage of one SQL query by abstract interpretation: which output columns carry a key. Pure; fails closed.

A construct that is not understood carries. What is known to lose the key (comparisons, counts, lengths, ranks) is a
list; everything else passes on what its arguments carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from privacy.carriers.scopes import Scope
from privacy.carriers.syntax import (
    HOW,
    LOSING,
    LOSING_FUNCTIONS,
    OPAQUE_FUNCTIONS,
    alias_columns,
    conditions_in,
    equated,
    output_name,
    sources_of,
    value_columns,
)
from privacy.carriers.traces import Relation, Relations, Trace, joined, unanalysed, unknown_relation

ROUNDS = 12


def analyse(sql: str, known: Relations) -> Relation:
    """The output columns of one query over known relations ('schema.table'). SQL that cannot be read is all carrier."""
    return analyse_read(read(sql), known)


def read(sql: str) -> exp.Query | Relation:
    """The one query that SQL is, or what it is where it is none: all carrier."""
    try:
        statements = [statement for statement in parse(sql, read="postgres") if statement is not None]
    except (SqlglotError, RecursionError) as error:
        return Relation(rest=unanalysed(f"not readable: {type(error).__name__}"), is_open=True)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return Relation(rest=unanalysed("not one query"), is_open=True)
    return statements[0]


def analyse_read(query: exp.Query | Relation, known: Relations) -> Relation:
    """analyse() of what read() found; a query may be followed again over other relations."""
    if isinstance(query, Relation):
        return query
    try:
        return outputs(query, Scope(known, {}, {}))
    except (SqlglotError, RecursionError) as error:
        return Relation(rest=unanalysed(f"not readable: {type(error).__name__}"), is_open=True)


def outputs(query: exp.Expr, scope: Scope) -> Relation:
    """The output relation of a query inside a scope."""
    if (with_ := query.args.get("with_") or query.args.get("with")) is not None:
        scope = _with_tables(with_, scope)
    if isinstance(query, exp.Subquery):
        return _aliased(query, outputs(query.this, scope))
    if isinstance(query, exp.SetOperation):
        return _united(outputs(query.left, scope), outputs(query.right, scope))
    if isinstance(query, exp.Select):
        return _selected(query, scope)
    if isinstance(query, exp.Values):
        return _values(query, scope)
    if isinstance(query, exp.Table):
        return _table(query, scope)
    return Relation(rest=unanalysed(f"{query.key} is no query"), is_open=True)


def value(node: exp.Expr | None, scope: Scope) -> Trace | None:
    """What the value of an expression carries."""
    if node is None or isinstance(node, LOSING):
        return None
    if isinstance(node, exp.Column):
        return _column(node, scope)
    if isinstance(node, exp.Query):
        found = joined([outputs(node, scope).whole()])
    elif isinstance(node, exp.Case):
        branches = [branch.args.get("true") for branch in node.args.get("ifs", [])]
        found = joined(value(branch, scope) for branch in [*branches, node.args.get("default")])
    elif isinstance(node, exp.If):
        found = joined(value(node.args.get(name), scope) for name in ("true", "false"))
    elif isinstance(node, exp.Window | exp.Filter | exp.Nullif | exp.Ordered):
        found = value(node.this, scope)
    elif isinstance(node, exp.Order):
        keys = [] if node.this is not None else [value(key.this, scope) for key in node.expressions]
        found = joined([value(node.this, scope), *keys])
    elif isinstance(node, exp.Func) or isinstance(node.parent, exp.Dot):
        found = _function(node, scope)
    else:
        found = joined(value(child, scope) for child in node.iter_expressions())
    how = HOW.get(type(node))
    return found.through(how) if found is not None and how else found


def _column(node: exp.Column, scope: Scope) -> Trace | None:
    table = node.table or None
    if isinstance(node.this, exp.Star):
        source = scope.sources.get(table or "")
        return source.whole() if source else unanalysed("star of an unknown source")
    return scope.find(node.name, table)


def _function(node: exp.Expr, scope: Scope) -> Trace | None:
    name = (node.name if isinstance(node, exp.Anonymous) else node.key).lower()
    if name in LOSING_FUNCTIONS:
        return None
    if name in OPAQUE_FUNCTIONS:
        return unanalysed(f"function {name}")
    if isinstance(node.parent, exp.Dot) and isinstance(node, exp.Anonymous):
        schema = node.parent.this.name
        if schema != "pg_catalog":
            return unanalysed(f"function {schema}.{name}")
    found = joined(value(child, scope) for child in node.iter_expressions())
    return found.through("json") if found is not None and "json" in name else found


def _with_tables(with_: exp.Expr, scope: Scope) -> Scope:
    tables = dict(scope.tables)
    inner = replace(scope, tables=tables)
    for cte in with_.expressions:
        names = [column.name for column in cte.args["alias"].args.get("columns") or []]
        if with_.args.get("recursive"):
            tables[cte.alias] = _recursive(cte, names, inner)
        else:
            tables[cte.alias] = outputs(cte.this, inner).renamed(names)
    return inner


def _recursive(cte: exp.Expr, names: list[str], scope: Scope) -> Relation:
    """A recursive query grows from its first part until nothing new is carried."""
    first = cte.this.left if isinstance(cte.this, exp.SetOperation) else cte.this
    own = Scope(scope.known, scope.tables | {cte.alias: unknown_relation(cte.alias)}, scope.sources, scope.outer)
    found = outputs(first, own).renamed(names)
    for _ in range(ROUNDS):
        own.tables[cte.alias] = found
        grown = outputs(cte.this, own).renamed(names)
        if {n for n, t in grown.columns.items() if t} == {n for n, t in found.columns.items() if t}:
            return grown
        found = grown
    return found


def _united(left: Relation, right: Relation) -> Relation:
    if left.is_open or right.is_open or len(left.columns) != len(right.columns):
        everything = joined([left.whole(), right.whole()])
        return Relation(dict.fromkeys(left.columns, everything), everything, is_open=True)
    pairs = zip(left.columns.items(), right.columns.values(), strict=True)
    return Relation({name: joined([one, other]) for (name, one), other in pairs})


def _values(node: exp.Values, scope: Scope) -> Relation:
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    width = max((len(row) for row in rows), default=0)
    columns = {f"column{at + 1}": joined(value(row[at], scope) for row in rows if at < len(row)) for at in range(width)}
    return _aliased(node, Relation(columns))


def _selected(query: exp.Select, scope: Scope) -> Relation:
    inner = Scope(scope.known, scope.tables, {}, scope)
    for source in sources_of(query):
        _add_source(source, inner)
    _propagate_equalities(query, inner)
    made = Relation()
    for at, projection in enumerate(query.expressions):
        for name, trace in _projected(projection, inner, at, made):
            made.columns[name if name not in made.columns else f"{name}#{at}"] = trace
    return made


def _projected(projection: exp.Expr, scope: Scope, at: int, made: Relation) -> Iterator[tuple[str, Trace | None]]:
    star = projection.this if isinstance(projection, exp.Column) else projection
    if not isinstance(star, exp.Star):
        yield output_name(projection, at), value(projection, scope)
        return
    wanted = [projection.table] if isinstance(projection, exp.Column) and projection.table else list(scope.sources)
    for name in wanted:
        source = scope.sources.get(name) or unknown_relation(name)
        if source.is_open:
            made.is_open, made.rest = True, joined([made.rest, source.rest])
        for column in source.columns:
            # `using` shows a column once, with what either side carries.
            yield (
                column,
                joined(s.columns[column] for n, s in scope.sources.items() if n in wanted and column in s.columns),
            )


def _add_source(node: exp.Expr, scope: Scope) -> None:
    """Sources to the left are visible to the right: lateral queries and functions read them."""
    if isinstance(node, exp.Paren):
        _add_source(node.this, scope)
        return
    name = node.alias_or_name or f"source{len(scope.sources)}"
    if node.args.get("pivots"):
        scope.sources[name] = Relation(rest=unanalysed("pivot"), is_open=True)
    elif isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query):
        _add_source(node.this, scope)  # a join in parentheses
    elif isinstance(node, exp.Query):
        scope.sources[name] = outputs(node, scope).copy()
    elif isinstance(node, exp.Table):
        scope.sources[name] = _table(node, scope)
    elif isinstance(node, exp.Lateral):
        scope.sources[name] = _lateral(node, scope)
    elif isinstance(node, exp.Unnest | exp.Func):
        scope.sources[name] = _rows_of(node, value_of_arguments(node, scope))
    else:
        scope.sources[name] = Relation(rest=unanalysed(f"source {node.key}"), is_open=True)
    for join in node.args.get("joins") or []:
        _add_source(join.this, scope)


def _table(node: exp.Table, scope: Scope) -> Relation:
    if not isinstance(node.this, exp.Identifier):  # a function in the from clause
        return _rows_of(node, value_of_arguments(node.this, scope))
    found = scope.known.get(f"{node.db}.{node.name}") if node.db else _of_scope(node.name, scope)
    return _aliased(node, (found or unknown_relation(node.sql("postgres"))).copy())


def _of_scope(name: str, scope: Scope | None) -> Relation | None:
    while scope is not None:
        if name in scope.tables:
            return scope.tables[name]
        if name in scope.known:
            return scope.known[name]
        scope = scope.outer
    return None


def _lateral(node: exp.Lateral, scope: Scope) -> Relation:
    if isinstance(node.this, exp.Subquery):
        return _aliased(node, outputs(node.this.this, scope))
    return _rows_of(node, value_of_arguments(node.this, scope))


def value_of_arguments(node: exp.Expr, scope: Scope) -> Trace | None:
    """A function in the from clause gives rows made of its arguments."""
    return _function(node, scope) if isinstance(node, exp.Func) else value(node, scope)


def _rows_of(node: exp.Expr, trace: Trace | None) -> Relation:
    found = trace.through("unnested") if trace else None
    return Relation(dict.fromkeys(alias_columns(node), found), found, is_open=True)


def _aliased(node: exp.Expr, relation: Relation) -> Relation:
    return relation.renamed(alias_columns(node))


def _propagate_equalities(query: exp.Select, scope: Scope) -> None:
    """A column that a join or filter equates with a carrier holds the same values, wherever its own rows came from."""
    conditions = [join.args.get("on") for join in query.args.get("joins") or []]
    conditions += [query.args[name].this for name in ("where", "having") if query.args.get(name)]
    found = [node for condition in conditions if condition is not None for node in conditions_in(condition)]
    nested = [node for node in found if isinstance(node, exp.Query)]
    nested += [node for p in query.expressions for node in conditions_in(p) if isinstance(node, exp.Query)]
    pairs = [pair for node in found for pair in equated(node)]
    n_carrying = -1
    while n_carrying != (n_carrying := _n_carrying(scope)):
        for inner in nested:  # a correlated query may equate a column of this one with a key of its own
            outputs(inner, scope)
        for one, other in (*pairs, *((b, a) for a, b in pairs)):
            if (trace := value(other, scope)) is not None:
                _taint(one, trace.through("join"), scope)


def _n_carrying(scope: Scope) -> int:
    return sum(trace is not None for source in scope.sources.values() for trace in source.columns.values())


def _taint(node: exp.Expr, trace: Trace, scope: Scope) -> None:
    for column in value_columns(node):
        around: Scope | None = scope
        while around is not None:
            sources = [
                s for name, s in around.sources.items() if column.table in ("", name) and column.name in s.columns
            ]
            for source in sources:
                source.columns[column.name] = source.columns[column.name] or trace
            around = None if sources else around.outer
