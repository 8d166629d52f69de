"""How Spark says what PostgreSQL says, construct by construct, where sqlglot's own translation is wrong or refused.

Typed nodes in, text out. The session is in UTC and in ANSI mode. What has no rule is sqlglot's; what nobody can say is
refused with the words of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from warehouse.errors import WarehouseError
from warehouse.spark.spelling import SERIES
from warehouse.spark.types import NUMBERS, WHOLE, T, is_vector, type_of


class UntranslatableError(WarehouseError):
    """A construct of PostgreSQL that Spark has no words for."""


NAMES = {
    T.TEXT: "STRING", T.VARCHAR: "STRING", T.BOOLEAN: "BOOLEAN", T.DATE: "DATE", T.TIMESTAMP: "TIMESTAMP",
    T.TIMESTAMPTZ: "TIMESTAMP", T.INTERVAL: "INTERVAL DAY TO SECOND", T.SMALLINT: "SMALLINT", T.INT: "INT",
    T.BIGINT: "BIGINT", T.FLOAT: "FLOAT", T.DOUBLE: "DOUBLE", T.DECIMAL: "DECIMAL(38, 6)",
}  # fmt: skip
ENOUGH = {T.SMALLINT: "DECIMAL(5, 0)", T.INT: "DECIMAL(10, 0)", T.BIGINT: "DECIMAL(20, 0)"}


def say(node: exp.Expr) -> str:
    """A typed node in Spark's SQL. Raises UntranslatableError, and sqlglot's UnsupportedError."""
    rule = RULES.get(type(node))
    return rule(node) if rule else _plain(node)


def _plain(node: exp.Expr) -> str:
    """sqlglot's words, around ours for what has a rule below. The node is used up."""
    ruled = [n for n in node.walk(prune=lambda n: n is not node and type(n) in RULES) if n is not node]
    for inner in [n for n in ruled if type(n) in RULES]:
        said = exp.Var(this=say(inner))
        said.type = inner.type
        inner.replace(said)
    return node.sql("spark", unsupported_level=ErrorLevel.RAISE, comments=False)


def _need(*nodes: exp.Expr) -> None:
    for node in nodes:
        if type_of(node) == T.UNKNOWN:
            raise UntranslatableError(f"the type of {node.sql('postgres')[:200]} is not known: cast it in the model")


def _name(of: exp.DataType | None) -> str:
    if of is not None and of.this == T.ARRAY:
        return f"ARRAY<{_name(of.expressions[0])}>"
    if of is None or of.this not in NAMES:
        raise UntranslatableError(f"Spark has no type for {of.sql('postgres') if of else 'an unknown one'}")
    return NAMES[T(of.this)]


def _moment(node: exp.Expr) -> str:
    return f"CAST({say(node)} AS TIMESTAMP)" if type_of(node) == T.DATE else say(node)


def _double(node: exp.Expr) -> str:
    return f"CAST({say(node)} AS DOUBLE)"


def _difference(e: exp.Sub) -> str:
    _need(e.left, e.right)
    left, right = type_of(e.left), type_of(e.right)
    if left == T.DATE and right == T.DATE:
        return f"DATEDIFF({say(e.left)}, {say(e.right)})"
    if left == T.DATE and right in WHOLE:
        return f"DATE_SUB({say(e.left)}, CAST({say(e.right)} AS INT))"
    return f"{_moment(e.left)} - {_moment(e.right)}"


def _total(e: exp.Add) -> str:
    _need(e.left, e.right)
    one, other = (e.right, e.left) if type_of(e.right) == T.DATE else (e.left, e.right)
    if type_of(one) == T.DATE and type_of(other) in WHOLE:
        return f"DATE_ADD({say(one)}, CAST({say(other)} AS INT))"
    return f"{_moment(one)} + {_moment(other)}"


def _quotient(e: exp.Div) -> str:
    """Whole numbers divide as such; numerics as doubles: 38 digits are all that Spark's decimals have."""
    _need(e.left, e.right)
    if type_of(e.left) in WHOLE and type_of(e.right) in WHOLE:
        return f"{say(e.left)} DIV {say(e.right)}"
    if type_of(e.left) == T.INTERVAL:
        return f"{say(e.left)} / {say(e.right)}"
    return f"{_double(e.left)} / {_double(e.right)}"


def _cast(e: exp.Cast) -> str:
    value, to = e.this, e.to
    if isinstance(value, SERIES):
        return f"EXPLODE({_sequence(value, to)})"
    if to.this == T.DECIMAL and not to.expressions:
        return _exact(value)
    if to.this == T.BIT:  # the lowest bits of a whole number
        return f"(({say(value)}) & {2 ** int(to.expressions[0].name) - 1})"
    if to.this in WHOLE:
        _need(value)
        if type_of(value) in NUMBERS and type_of(value) not in WHOLE:  # PostgreSQL rounds, Spark cuts off
            return f"CAST(ROUND({say(value)}) AS {_name(to)})"
    return f"CAST({say(value)} AS {_name(to)})"


def _exact(value: exp.Expr) -> str:
    """A numeric without a scale keeps the digits that it has."""
    _need(value)
    if type_of(value) in (T.DECIMAL, T.DOUBLE):
        return f"({say(value)})"
    return f"CAST({say(value)} AS {ENOUGH.get(type_of(value), NAMES[T.DECIMAL])})"


def _in_zone(e: exp.AtTimeZone) -> str:
    if e.args["zone"].name != "UTC":
        raise UntranslatableError(f"a time zone other than UTC: {e.sql('postgres')[:200]}")
    return _moment(e.this)


def _extract(e: exp.Extract) -> str:
    part, of = e.this.name.upper(), e.expression
    _need(of)
    if part == "EPOCH":
        moment = f"TIMESTAMP '1970-01-01 00:00:00' + ({say(of)})" if type_of(of) == T.INTERVAL else _moment(of)
        return f"(UNIX_MICROS({moment}) * 0.000001)"
    return f"EXTRACT({'DAYOFWEEK_ISO' if part == 'ISODOW' else part} FROM {say(of)})"


def _rounded(e: exp.Round) -> str:
    _need(e.this)
    places = e.args.get("decimals")
    if places is None:
        return f"ROUND({say(e.this)})"
    return f"CAST(ROUND({say(e.this)}, {say(places)}) AS DECIMAL(38, {say(places)}))"


def _order(keys: list[exp.Ordered]) -> str:
    """array_sort's function for structs with k0, k1, ...: Spark collects in no order."""
    cases = []
    for place, key in enumerate(keys):
        first = -1 if key.args.get("nulls_first") else 1
        less = 1 if key.args.get("desc") else -1
        left, right = f"l.k{place}", f"r.k{place}"
        cases.append(
            f"WHEN {left} IS NULL AND {right} IS NOT NULL THEN {first} WHEN {left} IS NOT NULL AND {right} IS NULL"
            f" THEN {-first} WHEN {left} < {right} THEN {less} WHEN {left} > {right} THEN {-less}"
        )
    return f"(l, r) -> CASE {' '.join(cases)} ELSE 0 END"


def _collected(e: exp.ArrayAgg, where: str = "") -> str:
    """An array in order, with its nulls; null, not empty, of no rows."""
    items = e.this
    if isinstance(items, exp.Distinct):
        return f"NULLIF(ARRAY_SORT(COLLECT_SET({say(items.expressions[0])}){where}), ARRAY())"
    if not isinstance(items, exp.Order):
        raise UntranslatableError(f"an array without an order is another one each time: {e.sql('postgres')[:200]}")
    keys = ", ".join(f"{say(key.this)} AS k{place}" for place, key in enumerate(items.expressions))
    rows = f"COLLECT_LIST(STRUCT({keys}, {say(items.this)} AS v)){where}"
    return f"TRANSFORM(NULLIF(ARRAY_SORT({rows}, {_order(items.expressions)}), ARRAY()), x -> x.v)"


def _filtered(e: exp.Filter) -> str:
    where = f" FILTER(WHERE {say(e.expression.this)})"
    return _collected(e.this, where) if isinstance(e.this, exp.ArrayAgg) else f"{say(e.this)}{where}"


def _listed(e: exp.GroupConcat) -> str:
    by = f"LISTAGG({say(e.this.this if isinstance(e.this, exp.Order) else e.this)}, {say(e.args['separator'])})"
    if not isinstance(e.this, exp.Order):
        raise UntranslatableError(f"a text of rows without an order: {e.sql('postgres')[:200]}")
    return f"{by} WITHIN GROUP (ORDER BY {', '.join(say(key) for key in e.this.expressions)})"


def _percentile(e: exp.WithinGroup) -> str:
    """Spark's are doubles; those of PostgreSQL that choose a row have its type."""
    share, value = e.this.this, e.expression.expressions[0].this
    _need(value)
    name, to = (
        ("PERCENTILE_DISC", _name(value.type))
        if isinstance(e.this, exp.PercentileDisc)
        else ("PERCENTILE_CONT", "DOUBLE")
    )
    shares = share.expressions if isinstance(share, exp.Array) else [share]
    found = [f"CAST({name}({say(s)}) WITHIN GROUP (ORDER BY {say(value)}) AS {to})" for s in shares]
    return f"ARRAY({', '.join(found)})" if isinstance(share, exp.Array) else found[0]


def _bracket(e: exp.Bracket) -> str:
    """Arrays begin at 1, and are null beyond their end."""
    at = e.expressions[0]
    if isinstance(at, exp.Slice):
        return f"SLICE({say(e.this)}, {say(at.this)}, {say(at.expression)} - {say(at.this)} + 1)"
    return f"GET({say(e.this)}, CAST({say(at)} AS INT) - 1)"


def _sequence(e: Any, to: exp.DataType | None = None) -> str:
    """Spark's runs backwards where the end lies before the start; PostgreSQL's is empty."""
    start, end, step = e.args["start"], e.args["end"], e.args.get("step")
    _need(start, end)
    first, last = (f"CAST({say(n)} AS {_name(to)})" if to else say(n) for n in (start, end))
    return f"IF({first} <= {last}, SEQUENCE({first}, {last}{f', {say(step)}' if step else ''}), ARRAY())"


def _split(e: exp.StringToArray) -> str:
    """PostgreSQL makes no item of an empty text."""
    text = say(e.this)
    return f"IF({text} = '', CAST(ARRAY() AS ARRAY<STRING>), SPLIT({text}, '\\\\Q{e.expression.name}\\\\E'))"


def _equal(e: exp.EQ) -> str:
    """`= any(array(...))`, which PostgreSQL's planner likes better than `in`."""
    if not isinstance(e.expression, exp.Any):
        return _plain(e)
    array = e.expression.this.unnest()
    if isinstance(array, exp.Array) and len(array.expressions) == 1 and isinstance(array.expressions[0], exp.Query):
        return f"{say(e.this)} IN ({say(array.expressions[0])})"
    return f"ARRAY_CONTAINS({say(array)}, {say(e.this)})"


def _null_safe(e: exp.NullSafeEQ) -> str:
    if is_vector(e.left):  # pgvector's distance by cosine, which sqlglot takes for MySQL's comparison
        return f"(1 - VECTOR_COSINE_SIMILARITY({say(e.left)}, {say(e.right)}))"
    return _plain(e)


def _subquery(e: exp.Subquery) -> str:
    alias = f" AS {e.alias}" if e.alias else ""
    if not e.meta.get("lateral"):
        return f"({say(e.this)}){alias}"
    lateral, function = "LATERAL " if isinstance(e.parent, exp.Join) else "", e.this.meta.get("function")
    if function is None:
        return f"{lateral}({say(e.this)}){alias}"
    values, names = [column.unalias() for column in e.this.expressions], [column.alias for column in e.this.expressions]
    if function == "posexplode":
        item, place = names
        return f"{lateral}(SELECT col AS {item}, pos + 1 AS {place} FROM POSEXPLODE({say(values[0].this)})){alias}"
    zipped = (
        f"INLINE(ARRAYS_ZIP({', '.join(say(value.this) for value in values)}))" if len(values) > 1 else say(values[0])
    )
    return f"{lateral}{zipped}{alias}({', '.join(names)})"


RULES: dict[Any, Callable[[Any], str]] = {
    exp.Sub: _difference,
    exp.Add: _total,
    exp.Div: _quotient,
    exp.Cast: _cast,
    exp.AtTimeZone: _in_zone,
    exp.TimestampTrunc: lambda e: f"DATE_TRUNC('{e.unit.name}', {say(e.this)})",
    exp.Extract: _extract,
    exp.Round: _rounded,
    exp.ArrayAgg: _collected,
    exp.Filter: _filtered,
    exp.GroupConcat: _listed,
    exp.WithinGroup: _percentile,
    exp.Bracket: _bracket,
    exp.Explode: lambda e: f"EXPLODE({say(e.this)})",
    **dict.fromkeys(SERIES, lambda e: f"EXPLODE({_sequence(e)})"),
    exp.StringToArray: _split,
    exp.ArrayOverlaps: lambda e: f"ARRAYS_OVERLAP({say(e.this)}, {say(e.expression)})",
    exp.EQ: _equal,
    exp.NullSafeEQ: _null_safe,
    exp.BitwiseLeftShift: lambda e: f"(({say(e.this)}) << ({say(e.expression)}))",
    exp.Subquery: _subquery,
}
