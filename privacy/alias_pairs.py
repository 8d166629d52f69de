"""Ids of one person as a steward names them, alone or in a file of JSON Lines, checked. It knows no database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from privacy.errors import IdentityInputError

Pair = tuple[str, str]  # (an id, the id that the same person is known by)
SHAPE = '{"alias": "...", "user": "..."}'
KEYS = frozenset({"alias", "user"})


def read(path: Path) -> list[Pair]:
    """The pairs of a file, in its order. Raises IdentityInputError, which quotes nothing of it."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise IdentityInputError(f"{path} cannot be read: {error.strerror}; name a file of JSON Lines") from None
    if not lines:
        raise IdentityInputError(f"{path} is empty; a merge is one line like {SHAPE}")
    return [parsed(line, number) for number, line in enumerate(lines, 1)]


def parsed(line: bytes, number: int) -> Pair:
    """The pair of a line. Raises IdentityInputError. Pure."""
    import orjson

    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise IdentityInputError(f"line {number} is no JSON; write {SHAPE}") from None
    if not isinstance(found, dict) or set(found) != KEYS or not all(isinstance(v, str) for v in found.values()):
        raise IdentityInputError(f"line {number} needs exactly {', '.join(sorted(KEYS))} as texts; write {SHAPE}")
    pair = (found["alias"], found["user"])
    if not are_two(pair):
        raise IdentityInputError(f"line {number}: a merge needs two different ids of one person")
    return pair


def are_two(pair: Pair) -> bool:
    """Whether both ids are there and differ."""
    return bool(pair[0].strip() and pair[1].strip()) and pair[0] != pair[1]


def require_words(pairs: Sequence[Pair], by: str, reason: str) -> None:
    """Raise IdentityInputError where a pair is none, or nobody answers for the merge, or the reason names an id."""
    if not all(map(are_two, pairs)):
        raise IdentityInputError("a merge needs two different ids of one person")
    if not by.strip() or not reason.strip():
        raise IdentityInputError("a merge needs who decides it and why: there is no way back")
    if any(name in reason for pair in pairs for name in pair):
        raise IdentityInputError("the reason holds an id of the person; write it without")
