"""Findings as a file has them: one JSON object a line, checked. It knows no database and no consent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privacy.osint.errors import InvalidFindingError, InvalidSourceError, UnreadableFindingsError

KEYS = frozenset({"user_id", "kind", "finding", "found_at"})
# Sources and kinds are kept readable: lower case and no @ or space, so that neither is somebody's address or name.
NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
MOST_BYTES = 1 << 20
SHAPE = '{"user_id": "...", "kind": "...", "finding": ..., "found_at": "2026-01-31T12:00:00Z"}'


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source says of one kind about a person, as of a moment in UTC. content: JSON, as it will be sealed."""

    user_id: str = field(repr=False)
    kind: str
    content: bytes = field(repr=False)
    found_at: datetime


def read(path: Path, now: datetime) -> Iterator[Finding]:
    """The findings of a file, in its order; one line in memory. Raises UnreadableFindingsError, InvalidFindingError."""
    n_read = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_BYTES + 1):
                n_read += 1
                yield parsed(line, n_read, now)
    except OSError as error:
        raise UnreadableFindingsError(f"{path} cannot be read: {error.strerror}; name a file of JSON Lines") from None
    if not n_read:
        raise UnreadableFindingsError(f"{path} is empty; a finding is one line like {SHAPE}")


def parsed(line: bytes, number: int, now: datetime) -> Finding:
    """The finding of a line. Raises InvalidFindingError, which quotes nothing of it. Pure."""
    import orjson

    if len(line) > MOST_BYTES:
        raise InvalidFindingError(f"line {number} is longer than {MOST_BYTES:,} bytes; split the finding by its kinds")
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise InvalidFindingError(f"line {number} is no JSON; write {SHAPE}") from None
    if not isinstance(found, dict) or set(found) != KEYS:
        raise InvalidFindingError(f"line {number} needs exactly {', '.join(sorted(KEYS))}; write {SHAPE}")
    return Finding(
        _user(found["user_id"], number),
        _kind(found["kind"], number),
        _content(found["finding"], number),
        _moment(found["found_at"], number, now),
    )


def checked_source(name: str) -> str:
    """The name of a source. Raises InvalidSourceError."""
    if not NAME.fullmatch(name):
        raise InvalidSourceError(
            "a source is named in lower case like github or public-records: a letter, then letters, digits, _ . -"
        )
    return name


def _user(value: Any, number: int) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InvalidFindingError(f"line {number}: user_id is no id; write the product's own id of the person as text")
    return value


def _kind(value: Any, number: int) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InvalidFindingError(
            f"line {number}: kind is no kind; name it in lower case like profile, never with a value of the person"
        )
    return value


def _content(value: Any, number: int) -> bytes:
    import orjson

    if value is None or value in ("", [], {}):
        raise InvalidFindingError(f"line {number}: the finding is empty; leave out what was not found")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _moment(value: Any, number: int, now: datetime) -> datetime:
    try:
        written = datetime.fromisoformat(value)
        moment = written.astimezone(UTC) if written.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        moment = None
    if moment is None:
        raise InvalidFindingError(
            f"line {number}: found_at is no moment; write it with its zone, like 2026-01-31T12:00:00Z"
        )
    if moment > now:
        raise InvalidFindingError(f"line {number}: found_at lies in the future; set the clock of who found it right")
    return moment
