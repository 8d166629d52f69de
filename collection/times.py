"""Event times of a batch as microseconds since 1970 UTC, or the reason why a value is none. No clock is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from collection.events import microseconds
from collection.records import ExactNumber, Fault

CLOCK_SKEW = timedelta(days=1)  # a client's clock may be ahead by this much
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def parse_times(
    values: Sequence[Any], *, format: str | None, unit: str | None, path: str, now: datetime, name: str = "created_at"
) -> tuple[list[int], dict[int, Fault]]:
    """Microseconds per value (0 where there is a fault). Codes: missing_timestamp, bad_timestamp,
    timestamp_out_of_range (before 1970), future_timestamp (more than a day after `now`)."""
    latest = microseconds(now + CLOCK_SKEW)
    moments = None if format or unit else _iso_column(values)
    if moments is None:
        moments = [_moment(value, format, unit) for value in values]
    elif moments and min(moments) >= 0 and max(moments) <= latest:
        return moments, {}
    faults = {}
    for position, moment in enumerate(moments):
        code = _code(moment, values[position], latest)
        if code:
            faults[position] = Fault(code, path, _HINTS[code].format(name=name))
    return [0 if i in faults else m for i, m in enumerate(moments)], faults


_HINTS = {
    "missing_timestamp": "no time: map {name} to a field that every record has",
    "bad_timestamp": "no time in the mapped format: give format: or unit: of {name} in the mapping",
    "timestamp_out_of_range": "a time before 1970-01-01: check the unit",
    "future_timestamp": "a time more than a day in the future: check the unit and the clock",
}


def _code(moment: int | None, value: Any, latest: int) -> str | None:
    if moment is None:
        return "missing_timestamp" if value is None or value == "" else "bad_timestamp"
    if moment < 0:
        return "timestamp_out_of_range"
    return "future_timestamp" if moment > latest else None


def _iso_column(values: Sequence[Any]) -> list[Any] | None:
    """All values at once when all are ISO 8601 texts that end in Z; otherwise None.

    The Z is cut off first: reading times with a zone makes Arrow load every time zone there is, for a second.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(values, pa.string())
        if texts.null_count or not pc.all(pc.ends_with(texts, "Z")).as_py():
            return None
        times = pc.cast(pc.utf8_slice_codeunits(texts, 0, -1), pa.timestamp("us"))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return list(times.cast(pa.int64()).to_pylist())


def _moment(value: Any, format: str | None, unit: str | None) -> int | None:
    if unit:
        return _counted(value, unit)
    if not isinstance(value, str) or not value:
        return None
    if value.startswith("0000-"):
        return -1
    try:
        moment = datetime.strptime(value, format) if format else datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return microseconds(aware)
    except (ValueError, OverflowError):
        return None


def _counted(value: Any, unit: str) -> int | None:
    from decimal import Decimal, InvalidOperation

    digits = value.text if isinstance(value, ExactNumber) else value
    if isinstance(digits, bool) or not isinstance(digits, int | float | str):
        return None
    try:
        number = Decimal(str(digits))
        return int(number * 10**6 / _PER_SECOND[unit]) if number.is_finite() and number.adjusted() < 40 else None
    except (InvalidOperation, OverflowError):
        return None
