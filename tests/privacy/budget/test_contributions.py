"""Bounding in SQL: the bounds hold for whatever rows there are, and DuckDB, PostgreSQL and plain Python agree."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.budget.bounds import ROWS, STATISTICS, SUM, USERS, Bounds
from privacy.budget.errors import ContributionQueryError, InvalidQueryError
from privacy.budget.sources import ArrowSource, Columns, PostgresSource, Source
from warehouse.arrow import copy_arrow
from warehouse.database import Database

Row = tuple[str | None, str | None, int | None]
COLUMNS = Columns("who", "what", "how_much")
KEY = b"k" * 32
GROUPS = ["a", "b", "c", "d"]

identifiers = st.sampled_from(["ann", "bob", "eve", "", "ann:", "é", None])
rows = st.lists(
    st.tuples(identifiers, st.sampled_from(["a", "b", "c", "1", "11", "z", None]), st.integers(-50, 50) | st.none()),
    max_size=60,
)
bounds = st.builds(Bounds, st.integers(1, 4), st.integers(1, 4), st.integers(-20, 0), st.integers(1, 20))
groups = st.none() | st.just(GROUPS)


def table(data: list[Row]) -> pa.Table:
    who, what, how_much = zip(*data, strict=True) if data else ((), (), ())
    return pa.table(
        {
            "who": pa.array(who, pa.string()),
            "what": pa.array(what, pa.string()),
            "how_much": pa.array(how_much, pa.int64()),
        }
    )


def tally(source: Source, statistic: str, chosen: list[str] | None, bound: Bounds, key: bytes = KEY) -> dict[str, int]:
    with source.read(statistic, chosen) as reading:
        return reading.tally(bound, key)


def digest(text: str) -> str:
    return hashlib.sha256(KEY + text.encode()).hexdigest()


def oracle(data: list[Row], statistic: str, chosen: list[str] | None, bound: Bounds) -> dict[str, int]:
    """The same rule, written down once more without SQL."""
    cells: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for who, what, value in data:
        usable = value is not None or statistic != SUM
        if who is not None and what is not None and usable and (chosen is None or what in chosen):
            cells[who][what].append(value or 0)
    found: Counter[str] = Counter()
    for who, by_group in cells.items():
        for what in sorted(by_group, key=lambda g: digest(f"{len(who)}:{who}{g}"))[: bound.groups]:
            found[what] += amount(who, what, by_group[what], statistic, bound)
    return dict(found)


def amount(who: str, what: str, values: list[int], statistic: str, bound: Bounds) -> int:
    if statistic == USERS:
        return 1
    if statistic == ROWS:
        return min(len(values), bound.rows)
    kept = sorted(values, key=lambda v: digest(f"{len(who)}:{who}{len(what)}:{what}{v}"))[: bound.rows]
    return sum(min(max(value, bound.lower), bound.upper) for value in kept)


@given(rows, bounds, st.sampled_from(STATISTICS), st.binary(min_size=32, max_size=32))
@settings(max_examples=25, deadline=None)
def test_nobody_contributes_more_than_the_bounds(data: list[Row], bound: Bounds, statistic: str, key: bytes) -> None:
    with ArrowSource(table(data), COLUMNS).read(statistic, None) as reading:
        kept = reading.bounded(bound, key)
    assert max(Counter(who for who, *_ in kept).values(), default=0) <= bound.groups
    each = bound.sensitivity(statistic).each
    assert all(n_rows <= bound.rows and abs(value) <= each for _, _, n_rows, value in kept)
    assert len({(who, what) for who, what, *_ in kept}) == len(kept)


@given(rows, bounds, groups, st.sampled_from(STATISTICS), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_duckdb_agrees_with_plain_python_in_any_order(
    data: list[Row], bound: Bounds, chosen: list[str] | None, statistic: str, order: random.Random
) -> None:
    expected = oracle(data, statistic, chosen, bound)
    order.shuffle(data)
    assert tally(ArrowSource(table(data), COLUMNS), statistic, chosen, bound) == expected


@given(rows, rows, bounds, st.sampled_from(STATISTICS))
@settings(max_examples=25, deadline=None)
def test_one_person_moves_the_tally_by_no_more_than_the_sensitivity(
    data: list[Row], more: list[Row], bound: Bounds, statistic: str
) -> None:
    others = [row for row in data if row[0] != "eve"]
    with_one = others + [("eve", what, value) for _, what, value in more]
    a, b = (tally(ArrowSource(table(rows), COLUMNS), statistic, None, bound) for rows in (others, with_one))
    moved = [abs(a.get(group, 0) - b.get(group, 0)) for group in a.keys() | b.keys()]
    sensitivity = bound.sensitivity(statistic)
    assert max(moved, default=0) <= sensitivity.each
    assert sum(1 for by in moved if by) <= sensitivity.cells


@pytest.mark.integration
def test_postgresql_agrees_with_duckdb(database: Database) -> None:
    order = random.Random(7)  # noqa: S311
    people = [*(f"user-{n}" for n in range(40)), "é", None]
    kinds = [*GROUPS, "z", "1", None]
    data: list[Row] = [(order.choice(people), order.choice(kinds), order.randint(-40, 40)) for _ in range(3_000)]
    with database.connect("privacy") as conn:
        conn.execute("create temp table people_rows (who text, what text, how_much integer)")
        copy_arrow(conn, "people_rows", table(data))
        conn.commit()
        postgres, arrow = PostgresSource(conn, "people_rows", COLUMNS), ArrowSource(table(data), COLUMNS)
        for chosen in (None, GROUPS):
            for statistic in STATISTICS:
                with postgres.read(statistic, chosen) as one, arrow.read(statistic, chosen) as other:
                    assert sorted(one.spread()) == sorted(other.spread())
                for bound in (Bounds(2, 3, -10, 10), Bounds(9, 999, -99, 99)):
                    expected = oracle(data, statistic, chosen, bound)
                    assert tally(postgres, statistic, chosen, bound) == expected
                    assert tally(arrow, statistic, chosen, bound) == expected


def test_which_groups_are_kept_depends_on_the_key_and_favours_none() -> None:
    data: list[Row] = [(f"user-{n}", group, 1) for n in range(4_000) for group in GROUPS]
    source = ArrowSource(table(data), COLUMNS)
    one, other = (tally(source, USERS, None, Bounds(1), key) for key in (b"1" * 32, b"2" * 32))
    assert one != other
    # Binomial(4000, 1/4) within 6 standard deviations: false alarm below 1e-8 per group, and the keys are fixed anyway.
    assert all(abs(n - 1_000) < 6 * 27.4 for found in (one, other) for n in found.values())


def test_fractions_are_refused_before_they_are_cut() -> None:
    fractions = pa.table({"who": ["a"], "what": ["b"], "how_much": [0.5]})
    with pytest.raises(InvalidQueryError, match="whole"):
        ArrowSource(fractions, COLUMNS).check(SUM)
    ArrowSource(fractions, COLUMNS).check(USERS)


@pytest.mark.integration
def test_fractions_in_postgresql_are_refused_too(database: Database) -> None:
    with database.connect("privacy") as conn:
        conn.execute("create temp table people_rows (who text, what text, how_much numeric)")
        conn.commit()
        with pytest.raises(InvalidQueryError, match="whole"):
            PostgresSource(conn, "people_rows", COLUMNS).check(SUM)
        PostgresSource(conn, "people_rows", COLUMNS).check(USERS)
        with pytest.raises(InvalidQueryError, match="no column absent"):
            PostgresSource(conn, "people_rows", Columns("who", "absent")).check(USERS)
        for unreadable in ("nowhere", "no.where", "quality.gate_results"):
            with pytest.raises(InvalidQueryError, match=f"no table {unreadable}"):
                PostgresSource(conn, unreadable, COLUMNS).check(USERS)


def test_an_engine_failure_quotes_no_value() -> None:
    broken = pa.table({"who": ["secret-person"], "what": ["b"]})
    with pytest.raises(ContributionQueryError) as caught:
        tally(ArrowSource(broken, Columns("who", "absent")), USERS, None, Bounds(1))
    assert caught.value.__cause__ is caught.value.__context__ is None
