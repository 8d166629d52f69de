"""Brute force over Python rows: k, l and t of a table, and random tables to ask about. Shares no code with us."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

QUASI = ("age", "region", "job")
Rows = list[dict[str, Any]]


def tables(*, min_rows: int = 0, max_rows: int = 40) -> st.SearchStrategy[Rows]:
    """Small tables with many ties, nulls, people with several rows, and two sensitive columns."""
    row = st.fixed_dictionaries(
        {
            "age": st.one_of(st.none(), st.integers(18, 26)),
            "region": st.one_of(st.none(), st.sampled_from(["north", "south", "east", "west", ""])),
            "job": st.sampled_from(["a", "b", "c"]),
            "person": st.one_of(st.none(), st.sampled_from([f"p{n}" for n in range(12)])),
            "illness": st.sampled_from(["flu", "cold", "none"]),
            "income": st.sampled_from([10, 20, 50, 90]),
        }
    )
    return st.lists(row, min_size=min_rows, max_size=max_rows)


SCHEMA = pa.schema(
    [
        ("age", pa.int64()),
        ("region", pa.string()),
        ("job", pa.string()),
        ("person", pa.string()),
        ("illness", pa.string()),
        ("income", pa.int64()),
    ]
)


def arrow(rows: Rows) -> pa.Table:
    """The rows as a table."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def groups(rows: Rows, quasi: Sequence[str] = QUASI) -> list[Rows]:
    """The rows by equal quasi-identifiers."""
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in quasi)].append(row)
    return list(found.values())


def people(rows: Rows, subject: str | None) -> int:
    """Rows, or the distinct subjects among them."""
    return len(rows) if subject is None else len({row[subject] for row in rows} - {None})


def k_of(rows: Rows, subject: str | None = None) -> int:
    """People in the smallest class."""
    return min((people(group, subject) for group in groups(rows)), default=0)


def l_of(rows: Rows, sensitive: str) -> int:
    """Different sensitive values in the poorest class."""
    return min((len({row[sensitive] for row in group}) for group in groups(rows)), default=0)


def t_of(rows: Rows, sensitive: str, *, is_ordered: bool) -> Fraction:
    """The largest earth mover's distance of a class from the table, in exact arithmetic."""
    values = sorted({row[sensitive] for row in rows})

    def shares(part: Rows) -> list[Fraction]:
        counts = Counter(row[sensitive] for row in part)
        return [Fraction(counts[value], len(part)) for value in values]

    def distance(part: Rows) -> Fraction:
        differences = [a - b for a, b in zip(shares(part), shares(rows), strict=True)]
        if not is_ordered:
            return sum((abs(d) for d in differences), Fraction(0)) / 2
        moved = [abs(sum(differences[: n + 1], Fraction(0))) for n in range(len(values))]
        return sum(moved, Fraction(0)) / max(len(values) - 1, 1)

    return max((distance(group) for group in groups(rows)), default=Fraction(0))
