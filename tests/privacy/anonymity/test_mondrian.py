"""Mondrian on random tables: k, l and t always hold, nothing is lost, and the order of rows does not matter."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.diversity import close, diverse
from privacy.anonymity.errors import AnonymityInputError, InvalidConstraintError, UncoveredValuesError
from privacy.anonymity.hierarchies import Hierarchy
from privacy.anonymity.intervals import anonymise
from privacy.anonymity.measures import ncp
from privacy.anonymity.ordering import ordered
from tests.privacy.anonymity import oracle
from tests.privacy.anonymity.oracle import QUASI, Rows, arrow, tables

KS = st.integers(1, 6)


@settings(max_examples=50, deadline=None)
@given(tables(), KS)
def test_every_class_has_k_rows_and_every_row_is_accounted_for(rows: Rows, k: int) -> None:
    made = anonymise(arrow(rows), QUASI, k)
    assert made.table.num_rows + made.n_suppressed == len(rows)
    assert made.n_suppressed == (len(rows) if len(rows) < k else 0)
    assert made.table.num_rows == 0 or oracle.k_of(made.table.to_pylist()) >= k
    assert made.partitioning.sizes.sum() == made.table.num_rows
    assert 0.0 <= ncp(made.partitioning) <= 1.0


@settings(max_examples=50, deadline=None)
@given(tables(min_rows=1), KS)
def test_values_lie_in_their_intervals_and_other_columns_stay(rows: Rows, k: int) -> None:
    made = anonymise(arrow(rows), QUASI, k)
    for before, after in zip(rows if made.table.num_rows else [], made.table.to_pylist(), strict=True):
        assert {name: after[name] for name in ("person", "illness", "income")} == {
            name: before[name] for name in ("person", "illness", "income")
        }
        ends = after["age"].strip("[]").split(", ")
        low, high = (-1 if end == "(none)" else int(end) for end in (ends[0], ends[-1]))
        assert low <= (-1 if before["age"] is None else before["age"]) <= high


@settings(max_examples=50, deadline=None)
@given(tables(), KS, st.randoms(use_true_random=False), st.booleans())
def test_shuffled_rows_give_the_same_table(rows: Rows, k: int, generator: random.Random, is_diverse: bool) -> None:
    def run(these: Rows) -> list[str]:
        table = arrow(these)
        return sorted(
            map(
                str,
                anonymise(table, QUASI, k, constraints=[diverse(table, "illness", 2)] * is_diverse).table.to_pylist(),
            )
        )

    assert run(rows) == run(generator.sample(rows, len(rows)))


@settings(max_examples=50, deadline=None)
@given(tables(), KS, st.integers(1, 4))
def test_classes_hold_l_values(rows: Rows, k: int, l_value: int) -> None:
    table = arrow(rows)
    made = anonymise(table, QUASI, k, constraints=[diverse(table, "illness", l_value)])
    enough = len({row["illness"] for row in rows}) >= l_value and len(rows) >= k
    assert made.n_suppressed == (0 if enough else len(rows))
    released = made.table.to_pylist()
    assert not released or (oracle.l_of(released, "illness") >= l_value and oracle.k_of(released) >= k)


@settings(max_examples=50, deadline=None)
@given(tables(), KS, st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]), st.sampled_from(["illness", "income"]))
def test_classes_stay_within_t_of_the_table(rows: Rows, k: int, t: float, sensitive: str) -> None:
    table = arrow(rows)
    released = anonymise(table, QUASI, k, constraints=[close(table, sensitive, t)]).table.to_pylist()
    assert len(released) == (len(rows) if len(rows) >= k else 0)
    assert not released or oracle.t_of(released, sensitive, is_ordered=sensitive == "income") <= t + 1e-6


def test_without_the_constraint_the_planted_class_gives_its_illness_away() -> None:
    rows: Rows = [
        {"age": age, "region": "north", "job": "a", "person": None, "illness": illness, "income": 10}
        for age, illness in ((20, "flu"), (20, "flu"), (25, "cold"), (25, "flu"))
    ]
    table = arrow(rows)
    assert oracle.l_of(anonymise(table, QUASI, 2).table.to_pylist(), "illness") == 1
    diverse_rows = anonymise(table, QUASI, 2, constraints=[diverse(table, "illness", 2)]).table.to_pylist()
    assert oracle.l_of(diverse_rows, "illness") == 2


def test_categories_follow_the_order_given_for_them() -> None:
    table = pa.table({"size": ["M", "S", "XL", "L"] * 3})
    made = anonymise(table, ["size"], 6, orders={"size": ["S", "M", "L", "XL"]})
    assert set(made.table["size"].to_pylist()) == {"[S, M]", "[L, XL]"}
    with pytest.raises(UncoveredValuesError, match="2 values"):
        anonymise(table, ["size"], 2, orders={"size": ["S", "M"]})


def test_a_column_of_a_million_values_needs_no_bin_for_each() -> None:
    numbers = np.random.default_rng(0).permutation(np.arange(20_000)) * 1.5
    made = anonymise(pa.table({"a": numbers, "b": numbers[::-1].copy()}), ["a", "b"], 5)
    assert made.partitioning.sizes.min() >= 5
    assert made.partitioning.sizes.max() < 10
    assert ncp(made.partitioning) < 0.03


@pytest.mark.parametrize(
    "column",
    [pa.array([True, False]), pa.array([1, None], pa.date32()), pa.array([1, 2], pa.timestamp("us", "UTC")),
     pa.array([0.0, float("nan")]), pa.nulls(2), pa.array([], pa.string()), pa.array([1.5, -0.0]),
     pa.array(["a", None]).dictionary_encode()],
    ids=str,
)  # fmt: skip
def test_columns_of_every_kind_have_an_order(column: pa.Array) -> None:
    found = ordered(pa.table({"x": column}), "x")
    assert len(found.labels) == len(found.positions) >= len(set(found.codes.tolist()))
    assert (np.diff(found.positions) > 0).all()
    assert anonymise(pa.table({"x": column}), ["x"], 1).table.num_rows == len(column)


def test_wrong_bounds_are_refused() -> None:
    table = arrow([])
    for refused in (lambda: diverse(table, "illness", 0), lambda: close(table, "illness", 1.5)):
        with pytest.raises(InvalidConstraintError):
            refused()
    for column in ("missing", "list"):
        with pytest.raises(AnonymityInputError):
            anonymise(pa.table({"list": pa.array([[1]])}), [column], 2)


@pytest.mark.shared_data
def test_adult_at_k_5_loses_less_than_a_twentieth(shared_data: Path) -> None:
    folder = shared_data / "arx_adult"
    with gzip.open(folder / "adult.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    table = pa.Table.from_pylist([row | {"age": int(row["age"])} for row in rows])
    quasi = [name for name in table.column_names if name != "salary-class"]
    orders = {}
    for name in set(quasi) - {"age"}:
        hierarchy = Hierarchy.read(folder / f"adult_hierarchy_{name}.csv")
        orders[name] = [row[0] for row in sorted(zip(*hierarchy.levels, strict=True), key=lambda row: row[::-1])]
    made = anonymise(table, quasi, 5, orders=orders)
    assert made.n_suppressed == 0
    assert min(len(group) for group in oracle.groups(made.table.to_pylist(), quasi)) >= 5
    assert ncp(made.partitioning) == pytest.approx(0.0443, abs=0.0001)
