"""Fixed rules that make a value coarser: age decade, three-digit zip, 10,000 band, month. Set-based over Arrow columns.

A rule runs over the distinct values only. What a rule cannot read becomes null: it is never passed through as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from privacy.anonymity.errors import InvalidConstraintError, UnknownColumnError
from privacy.arrays import one

if TYPE_CHECKING:
    import pyarrow as pa

Rule = Callable[["pa.Array"], "pa.Array"]
BAND = 10_000
ZIP_LENGTH = 5


def age_decade(ages: pa.Array) -> pa.Array:
    """37 -> '30-39'. Negative ages and ages over 120 become null."""
    import pyarrow.compute as pc

    years = _whole(ages)
    years = pc.if_else(pc.and_(pc.greater_equal(years, 0), pc.less_equal(years, 120)), years, None)
    first = pc.multiply(pc.divide(years, 10), 10)
    return _joined(first, "-", pc.add(first, 9))


def salary_band(amounts: pa.Array) -> pa.Array:
    """52,300 -> '$50000-$60000': from the first amount up to, but without, the second."""
    import pyarrow as pa
    import pyarrow.compute as pc

    floored = pc.floor(pc.divide(_numbers(amounts), float(BAND)))
    first = pc.multiply(pc.cast(pc.if_else(pc.is_finite(floored), floored, None), pa.int64(), safe=False), BAND)
    return _joined("$", first, "-$", pc.add(first, BAND))


def zip_prefix(codes: pa.Array) -> pa.Array:
    """'02139' and '02139-4307' -> '021**'. Whole numbers get their leading zeros back; shorter texts become null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numeric = pa.types.is_integer(codes.type)
    text = pc.utf8_trim_whitespace(codes.cast(pa.string()))
    if numeric:
        text = pc.utf8_lpad(text, ZIP_LENGTH, "0")
    readable = pc.match_substring_regex(text, r"^[0-9]{5}(-?[0-9]{4})?$")
    return _joined(pc.utf8_slice_codeunits(pc.if_else(readable, text, None), 0, 3), "**")


def month(moments: pa.Array) -> pa.Array:
    """2024-03-17 -> '2024-03', in UTC. Texts must be ISO dates; others become null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = moments.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        readable = pc.match_substring_regex(moments, r"^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}([T ].*)?$")
        return pc.utf8_slice_codeunits(pc.if_else(readable, moments.cast(pa.string()), None), 0, 7)
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        raise UnknownColumnError(f"a month needs a date, a timestamp or ISO text, not {kind}")
    return pc.strftime(moments.cast(pa.timestamp("us")), format="%Y-%m")


RULES: Mapping[str, Rule] = {
    "age_decade": age_decade,
    "zip_prefix": zip_prefix,
    "salary_band": salary_band,
    "month": month,
}


def generalise(table: pa.Table, rules: Mapping[str, str]) -> pa.Table:
    """The table with columns made coarser. rules: column -> a name of RULES.

    Raises UnknownColumnError for a column that is absent or of a type the rule cannot read, InvalidConstraintError for
    a rule that does not exist.
    """
    import pyarrow as pa

    for column, name in rules.items():
        if name not in RULES:
            raise InvalidConstraintError(f"there is no rule {name!r}; use one of {', '.join(RULES)}")
        if column not in table.column_names:
            raise UnknownColumnError(f"the table has no column {column!r} to generalise")
        try:
            made = _over_distinct(RULES[name], one(table[column]))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            made = None
        if made is None:  # raised outside the handler: Arrow's message quotes the value it could not read
            raise UnknownColumnError(f"rule {name!r} cannot read column {column!r} of type {table[column].type}")
        table = table.set_column(table.schema.get_field_index(column), column, made)
    return table


def _over_distinct(rule: Rule, column: pa.Array) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    words = column.dictionary_encode()
    return rule(words.dictionary).take(words.indices)


def _numbers(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return values.cast(pa.float64(), safe=False)


def _whole(values: pa.Array) -> pa.Array:
    """Numbers rounded down; what is not finite becomes null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    floored = pc.floor(_numbers(values))
    return pc.cast(pc.if_else(pc.is_finite(floored), floored, None), pa.int64(), safe=False)


def _joined(*parts: pa.Array | str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [part if isinstance(part, str) else pc.cast(part, pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")
