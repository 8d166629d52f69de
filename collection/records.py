"""One record's JSON, read exactly or refused with a reason. Numbers keep every digit; no float is rounded silently."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from collection.escapes import encode_value

MAX_DIGITS = 1_000  # a number of ten bytes may stand for gigabytes of digits: 1e131071
# The shape of JSON text, by one table look-up a byte: digits and points become "0", exponent marks "e", signs "-", and
# what may stand before or after a number ":". Looking for two fixed patterns in it is cheaper than a regular
# expression over the text.
_SHAPE = bytearray(b" " * 256)
for _class, _members in ((b"0", b"0123456789."), (b"e", b"eE"), (b"-", b"+-"), (b":", b":[]{}, \t\r\n")):
    for _byte in _members:
        _SHAPE[_byte] = _class[0]
_LONG = b"0" * 17  # 16 digits and a point, or an integer of 17 digits
_DIGITS = re.compile(rb"0+")
_LARGE_EXPONENT = re.compile(rb"e-?000+(?::|\Z)")
_LARGE_EXPONENTS = (b"e000", b"e-000")
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS  # or an exact number would become an object
_ESCAPE = b"\\u00"
_ESCAPED = (b"\\u0000", b"\\u001a", b"\\u001A")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record was not taken: a code, the field it is about, and a hint. None of them holds a value."""

    code: str
    path: str | None
    hint: str


class RecordFault(Exception):
    """Raised while one record is read; carries the fault."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(code)
        self.fault = Fault(code, None, hint)


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """A JSON number that no machine number holds, as its own text."""

    text: str


def parse_records(lines: Sequence[bytes]) -> tuple[list[Any], dict[int, Fault]]:
    """Parse one JSON object per line; a refused line leaves None and a fault at its position."""
    risky = set()
    if _is_risky(b"\n".join(lines)):
        risky = {position for position, line in enumerate(lines) if _is_risky(line)}
    try:
        records = list(map(orjson.loads, lines)) if not risky else []
    except orjson.JSONDecodeError:
        records = []
    if records and set(map(type, records)) <= {dict}:
        return records, {}
    return _one_by_one(lines, risky)


def _is_risky(text: bytes) -> bool:
    """Whether orjson might round or refuse a number of the text, or PostgreSQL one of its characters.

    Risky are integers beyond 64 bit, more than 15 significant digits, exponents of three digits, U+0000 and U+001A.
    """
    if _ESCAPE in text and any(mark in text for mark in _ESCAPED):
        return True
    shape = text.translate(_SHAPE)
    if any(head in shape for head in _LARGE_EXPONENTS) and any(
        _in_number(shape, match.start()) for match in _LARGE_EXPONENT.finditer(shape)
    ):
        return True
    start = shape.find(_LONG)
    while start >= 0:
        match = _DIGITS.match(shape, start)
        end = match.end() if match else start
        fits = end - start < 20 and b"." not in text[start:end] and text[start - 1 : start] != b"-"
        if not fits and _in_number(shape, start):
            return True
        start = shape.find(_LONG, end)
    return False


def _in_number(shape: bytes, position: int) -> bool:
    """Whether what stands before is a number so far, and not a hexadecimal digest, say."""
    before = shape[max(0, position - MAX_DIGITS) : position].rstrip(b"0").removesuffix(b"-")
    return not before or before.endswith(b":")


def _one_by_one(lines: Sequence[bytes], risky: set[int]) -> tuple[list[Any], dict[int, Fault]]:
    records: list[Any] = []
    faults: dict[int, Fault] = {}
    for position, line in enumerate(lines):
        try:
            records.append(parse_record(line, risky=position in risky))
        except RecordFault as refusal:
            records.append(None)
            faults[position] = refusal.fault
    return records, faults


def parse_record(line: bytes, *, risky: bool | None = None) -> dict[str, Any]:
    """One JSON object. Raises RecordFault: not_utf8, nul_byte, bad_json, too_deep, number_out_of_range and others."""
    risky = _is_risky(line) if risky is None else risky
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not risky:
            raise _explained(line, error) from None
        record = _exact(line)
        dump(record)
    else:
        record = _exact(line) if risky else record
    if not isinstance(record, dict):
        raise RecordFault("not_an_object", f"the record is a JSON {_kind(record)}, not an object")
    return record


def dump(value: Any) -> bytes:
    """Compact JSON with sorted keys and exact numbers. Raises RecordFault when nested too deeply or not JSON."""
    try:
        return orjson.dumps(value, _exact_text, _OPTIONS)
    except TypeError as error:
        if "ecursion" in str(error):
            raise RecordFault("too_deep", "nested more than 254 levels deep") from None
        raise RecordFault("not_unicode", "a text holds half of a surrogate pair, which is no character") from None


def dump_all(values: Sequence[Any]) -> tuple[Sequence[bytes | None], dict[int, Fault]]:
    """What `dump` gives for every value; a value that has no canonical JSON leaves None and a fault."""
    try:
        return [orjson.dumps(value, _exact_text, _OPTIONS) for value in values], {}
    except TypeError:
        return _dumped_singly(values)


def _dumped_singly(values: Sequence[Any]) -> tuple[list[bytes | None], dict[int, Fault]]:
    texts: list[bytes | None] = []
    faults: dict[int, Fault] = {}
    for position, value in enumerate(values):
        try:
            texts.append(dump(value))
        except RecordFault as refusal:
            texts.append(None)
            faults[position] = refusal.fault
    return texts, faults


def _exact_text(value: Any) -> orjson.Fragment:
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    raise TypeError(type(value).__name__)


def _exact(line: bytes) -> Any:
    try:
        text = line.decode("utf-8")
        value = json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_refuse_constant)
        return encode_value(value)
    except UnicodeDecodeError as error:
        raise _explained(line, error) from None
    except json.JSONDecodeError as error:
        raise _explained(line, error) from None
    except RecursionError:
        raise RecordFault("too_deep", "nested more than 254 levels deep") from None


def _integer(text: str) -> int | ExactNumber:
    if len(text) < 19:
        return int(text)
    if len(text) > MAX_DIGITS:
        raise RecordFault("number_out_of_range", f"a number of more than {MAX_DIGITS} digits")
    number = int(text)
    return number if -(2**63) <= number < 2**64 else ExactNumber(text)


def _real(text: str) -> float | ExactNumber:
    try:
        exact = Decimal(text)
        size = abs(exact.adjusted()) if exact else 0
    except InvalidOperation:
        size = MAX_DIGITS + 1
    if size > MAX_DIGITS or len(text) > MAX_DIGITS:
        raise RecordFault("number_out_of_range", f"a number of more than {MAX_DIGITS} digits")
    number = float(text)
    return number if size < 300 and Decimal(repr(number)) == exact else ExactNumber(text)


def _refuse_constant(_: str) -> NoReturn:
    raise RecordFault("not_a_number", "NaN and Infinity are no JSON numbers: write null")


def _explained(line: bytes, error: Exception) -> RecordFault:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        return RecordFault("not_utf8", f"not UTF-8 at byte {undecodable.start} of the record")
    if "\x00" in text:
        return RecordFault("nul_byte", f"a NUL byte at character {text.index(chr(0))} of the record")
    if "depth limit" in str(error) or "ecursion" in str(error):
        return RecordFault("too_deep", "nested more than 254 levels deep")
    if re.search(r"[:\[,\s]-?(?:NaN|Infinity)\b", text):
        return RecordFault("not_a_number", "NaN and Infinity are no JSON numbers: write null")
    place = error.pos if isinstance(error, json.JSONDecodeError) else 0
    return RecordFault("bad_json", f"not JSON at character {place} of the record")


def _kind(value: Any) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
