"""Types of PostgreSQL expressions, as far as Spark must be told: what is a date, a moment, a whole or an exact number.

sqlglot's own rules know neither that a date less a date is a number of days nor that whole numbers divide as such. A
type here is the one that a value has on Spark: a quotient of numerics is a double there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

if TYPE_CHECKING:
    from sqlglot.optimizer.annotate_types import TypeAnnotator

T = exp.DType
WHOLE = (T.SMALLINT, T.INT, T.BIGINT)
NUMBERS = (*WHOLE, T.DECIMAL, T.FLOAT, T.DOUBLE)  # narrow to wide
MOMENTS = (T.TIMESTAMP, T.TIMESTAMPTZ)
Annotator = Callable[["TypeAnnotator", Any], exp.Expr]


def type_of(node: exp.Expr | None) -> exp.DType:
    """The type that was found for a node; UNKNOWN where none was."""
    return node.type.this if node is not None and node.type else T.UNKNOWN


def is_vector(node: exp.Expr) -> bool:
    """Whether a node is a vector of pgvector, which is an array of floats on Spark."""
    return type_of(node) == T.ARRAY and bool(node.type and node.type.expressions[0].this == T.FLOAT)


def _sum_of(left: exp.DType, right: exp.DType) -> exp.DType:
    for one, other in ((left, right), (right, left)):
        if one == T.DATE and other in WHOLE:
            return T.DATE
        if one in (T.DATE, *MOMENTS) and other == T.INTERVAL:
            return T.TIMESTAMP if one == T.DATE else one
        if one == T.INTERVAL and other in (T.INTERVAL, *NUMBERS):
            return T.INTERVAL
    return _wider(left, right)


def _wider(left: exp.DType, right: exp.DType) -> exp.DType:
    if left in NUMBERS and right in NUMBERS:
        return max(left, right, key=NUMBERS.index)
    return T.UNKNOWN


def _difference(left: exp.DType, right: exp.DType) -> exp.DType:
    if left == T.DATE and right == T.DATE:
        return T.INT
    return T.INTERVAL if left in MOMENTS and right in MOMENTS else _sum_of(left, right)


def _quotient(left: exp.DType, right: exp.DType) -> exp.DType:
    if left in WHOLE and right in WHOLE:
        return _wider(left, right)
    if left == T.INTERVAL and right in NUMBERS:
        return left
    return T.DOUBLE if left in NUMBERS and right in NUMBERS else T.UNKNOWN


def _of_both(rule: Callable[[exp.DType, exp.DType], exp.DType]) -> Annotator:
    return lambda self, e: self._set_type(e, rule(type_of(e.left), type_of(e.right)))


def _always(found: exp.DType) -> Annotator:
    return lambda self, e: self._set_type(e, found)


def _same(self: TypeAnnotator, e: Any) -> exp.Expr:
    return self._set_type(e, e.this.type)


def _total(self: TypeAnnotator, e: exp.Sum) -> exp.Expr:
    of = e.this.expressions[0] if isinstance(e.this, exp.Distinct) else e.this
    whole = {T.SMALLINT: T.BIGINT, T.INT: T.BIGINT, T.BIGINT: T.DECIMAL}
    return self._set_type(e, whole.get(type_of(of), type_of(of)))


def _rounded(self: TypeAnnotator, e: exp.Round) -> exp.Expr:
    return self._set_type(e, T.DECIMAL if e.args.get("decimals") else type_of(e.this))


def _literal(self: TypeAnnotator, e: exp.Literal) -> exp.Expr:
    return self._set_type(e, T.TEXT if e.is_string else T.INT if e.name.isdigit() else T.DECIMAL)


def _widest(self: TypeAnnotator, e: exp.Expr) -> exp.Expr:
    return self._set_type(e, _one_type([e.this, *e.expressions] if e.this is not None else e.expressions))


def _case(self: TypeAnnotator, e: exp.Case) -> exp.Expr:
    return self._set_type(e, _one_type([*(i.args["true"] for i in e.args["ifs"]), e.args.get("default")]))


def _one_type(nodes: list[Any]) -> Any:
    found = [n.type for n in nodes if n is not None and type_of(n) not in (T.NULL, T.UNKNOWN)]
    numbers = [t for t in found if t.this in NUMBERS]
    if numbers and len(numbers) == len(found):
        return max(numbers, key=lambda t: NUMBERS.index(t.this))
    return next((t for t in found if t.this != T.TEXT), found[0] if found else T.UNKNOWN)


def _percentile(self: TypeAnnotator, e: exp.WithinGroup) -> exp.Expr:
    ordered = e.expression.expressions[0].this
    return self._set_type(e, ordered.type if isinstance(e.this, exp.PercentileDisc) else T.DOUBLE)


def array_of(item: Any) -> exp.DataType:
    """The type of an array of such items."""
    inner = item.copy() if isinstance(item, exp.DataType) else exp.DataType.build("unknown")
    return exp.DataType(this=T.ARRAY, expressions=[inner], nested=True)


def _collected(self: TypeAnnotator, e: exp.ArrayAgg) -> exp.Expr:
    item = e.this.this if isinstance(e.this, exp.Order) else e.this
    return self._set_type(e, array_of((item.expressions[0] if isinstance(item, exp.Distinct) else item).type))


def _array(self: TypeAnnotator, e: exp.Array) -> exp.Expr:
    return self._set_type(e, array_of(e.expressions[0].type if e.expressions else None))


def _item(self: TypeAnnotator, e: Any) -> exp.Expr:
    array = e.expressions[0] if isinstance(e, exp.Unnest) else e.this
    is_array = type_of(array) == T.ARRAY
    return self._set_type(e, array.type.expressions[0].copy() if is_array else T.UNKNOWN)


def _bracket(self: TypeAnnotator, e: exp.Bracket) -> exp.Expr:
    return _same(self, e) if isinstance(e.expressions[0], exp.Slice) else _item(self, e)


def _in_zone(self: TypeAnnotator, e: exp.AtTimeZone) -> exp.Expr:
    return self._set_type(e, T.TIMESTAMP if type_of(e.this) == T.TIMESTAMPTZ else T.TIMESTAMPTZ)


def _series(self: TypeAnnotator, e: Any) -> exp.Expr:
    start = type_of(e.args["start"])
    return self._set_type(e, T.TIMESTAMPTZ if start == T.DATE else start)


def _compared(self: TypeAnnotator, e: exp.NullSafeEQ) -> exp.Expr:
    return self._set_type(e, T.DOUBLE if is_vector(e.left) else T.BOOLEAN)  # pgvector's <=> is parsed as this


def _function(self: TypeAnnotator, e: exp.Anonymous) -> exp.Expr:
    return self._set_type(e, {"cardinality": T.INT, "bit_count": T.BIGINT}.get(e.name.lower(), T.UNKNOWN))


_DOUBLES = (exp.Avg, exp.Sqrt, exp.Ln, exp.Pow, exp.StddevPop, exp.Variance, exp.Extract)
_SAME = (
    exp.Lag, exp.Lead, exp.FirstValue, exp.Max, exp.Min, exp.Filter, exp.Nullif, exp.Paren, exp.Window, exp.Abs,
    exp.Floor, exp.Neg, exp.BitwiseOrAgg, exp.BitwiseNot, exp.BitwiseAnd, exp.BitwiseLeftShift,
)  # fmt: skip
RULES: dict[Any, Annotator] = {
    **dict.fromkeys(_DOUBLES, _always(T.DOUBLE)),
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys((exp.Count, exp.RowNumber), _always(T.BIGINT)),
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), _always(T.TIMESTAMPTZ)),
    **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _widest),
    **dict.fromkeys((exp.Unnest, exp.Explode), _item),
    **dict.fromkeys((exp.ExplodingGenerateSeries, exp.GenerateSeries), _series),
    **dict.fromkeys((exp.Add, exp.Mul, exp.Mod), _of_both(_sum_of)),
    exp.Sub: _of_both(_difference),
    exp.Div: _of_both(_quotient),
    exp.Sum: _total,
    exp.Round: _rounded,
    exp.Literal: _literal,
    exp.Case: _case,
    exp.WithinGroup: _percentile,
    exp.ArrayAgg: _collected,
    exp.Array: _array,
    exp.StringToArray: _always(array_of(exp.DataType.build("text"))),  # type: ignore[arg-type]
    exp.Bracket: _bracket,
    exp.AtTimeZone: _in_zone,
    exp.NullSafeEQ: _compared,
    exp.Anonymous: _function,
}
METADATA: dict[Any, dict[str, Any]] = {
    **Postgres.EXPRESSION_METADATA,
    **{node: {"annotator": rule} for node, rule in RULES.items()},
}
