"""What stands where in a syntax tree of sqlglot: names, sources, equalities, and which constructs lose a key. Pure.

It knows no scope and no trace: what carries is lineage.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

LOSING = (
    exp.Predicate, exp.Connector, exp.Not, exp.Count, exp.CountIf, exp.ApproxDistinct, exp.Length, exp.LogicalOr,
    exp.LogicalAnd, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist, exp.Literal,
    exp.DataType, exp.Interval, exp.Null, exp.Boolean, exp.Star,
)  # fmt: skip
LOSING_FUNCTIONS = frozenset({"octet_length", "bit_length", "jsonb_typeof", "json_typeof", "pg_typeof", "cardinality"})
# They run SQL that stands in a text, or read what no catalog names.
OPAQUE_FUNCTIONS = frozenset(
    {
        "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml", "schema_to_xml",
        "database_to_xml", "cursor_to_xml", "dblink", "xmltable", "ts_stat", "crosstab", "pg_read_file",
        "pg_read_binary_file", "lo_get", "loread", "current_setting", "current_query",
    }
)  # fmt: skip
HOW = {
    exp.Cast: "cast", exp.TryCast: "cast", exp.Concat: "concat", exp.DPipe: "concat", exp.ConcatWs: "concat",
    exp.GroupConcat: "concat", exp.Array: "array", exp.ArrayAgg: "array", exp.Bracket: "array", exp.Window: "window",
    exp.Case: "case", exp.Coalesce: "coalesce", exp.Subquery: "subquery", exp.JSONExtract: "json",
    exp.JSONExtractScalar: "json", exp.JSONBExtract: "json", exp.JSONBExtractScalar: "json", exp.JSONObject: "json",
}  # fmt: skip


def output_name(projection: exp.Expr, at: int) -> str:
    """What PostgreSQL calls a projection without an alias; by its place where nothing names it."""
    if projection.alias_or_name:
        return str(projection.alias_or_name)
    inner = projection
    while isinstance(inner, exp.Cast | exp.Paren | exp.Window | exp.Filter):
        inner = inner.this
    if isinstance(inner, exp.Func):
        return inner.name.lower() if isinstance(inner, exp.Anonymous) else inner.sql_name().lower()
    return str(inner.alias_or_name) or f"column{at}"


def sources_of(query: exp.Select) -> Iterator[exp.Expr]:
    """The sources of a query, left to right: what stands in from, laterals and joins."""
    start = query.args.get("from_") or query.args.get("from")
    if start is not None:
        yield start.this
        yield from (join.this for join in start.this.args.get("joins") or [])
    yield from query.args.get("laterals") or []
    yield from (join.this for join in query.args.get("joins") or [])


def alias_columns(node: exp.Expr) -> list[str]:
    """The names that an alias gives to columns."""
    alias = node.args.get("alias")
    return [column.name for column in (alias.args.get("columns") or [])] if isinstance(alias, exp.TableAlias) else []


def conditions_in(node: exp.Expr) -> Iterator[exp.Expr]:
    """Equalities and queries below a node, none of those inside another query."""
    if isinstance(node, exp.Query):
        yield node
        return
    if isinstance(node, exp.EQ | exp.NullSafeEQ | exp.In):
        yield node
    for child in node.iter_expressions():
        yield from conditions_in(child)


def equated(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    if isinstance(node, exp.In):
        if (query := node.args.get("query")) is not None:
            yield node.this, query
    elif isinstance(node, exp.EQ | exp.NullSafeEQ):
        right = node.expression
        yield node.left, right.this if isinstance(right, exp.Any) else right


def value_columns(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose values an expression passes on."""
    if isinstance(node, exp.Column):
        yield node
    elif not isinstance(node, (*LOSING, exp.Query)):
        for child in node.iter_expressions():
            yield from value_columns(child)
