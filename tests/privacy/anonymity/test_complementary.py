"""Hidden cells against an attacker who does linear algebra over the people behind the table, in exact fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.cells import TOTAL, CellTable, Equation, cube
from privacy.anonymity.complementary import hide_cells
from privacy.anonymity.errors import InconsistentCellsError, InvalidConstraintError
from privacy.anonymity.subtraction import unknowns

REGIONS = {"oslo": "norway", "bergen": "norway", "malmo": "sweden", "lund": "sweden"}
PLANS = ("free", "team", "pro")
COUNTS = st.one_of(st.integers(0, 3), st.integers(0, 40))
GRIDS = st.lists(COUNTS, min_size=12, max_size=12)


def table_of(counts: list[int]) -> CellTable:
    """Towns in countries by plans."""
    towns, plans = zip(*itertools.product(REGIONS, PLANS), strict=True)
    rows = pa.table({"town": list(towns), "plan": list(plans), "n": counts})
    return cube(rows, ["town", "plan"], "n", parents={"town": REGIONS})


def leaves_below(key: tuple[str, ...]) -> list[int]:
    """Which of the twelve leaves a cell adds up: the attacker knows what the headings mean."""
    town, plan = key
    return [int(town in (t, REGIONS[t], TOTAL) and plan in (p, TOTAL)) for t, p in itertools.product(REGIONS, PLANS)]


def rank(rows: list[list[int]]) -> int:
    """By elimination in exact fractions."""
    matrix = [[Fraction(n) for n in row] for row in rows]
    found = 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((r for r in range(found, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        for other in range(found + 1, len(matrix)):
            factor = matrix[other][column] / matrix[found][column]
            matrix[other] = [a - factor * b for a, b in zip(matrix[other], matrix[found], strict=True)]
        found += 1
    return found


def recovered(cells: CellTable, hidden: list[bool]) -> list[tuple[str, ...]]:
    """Hidden cells that are a combination of published ones."""
    published = [leaves_below(key) for key, is_hidden in zip(cells.keys, hidden, strict=True) if not is_hidden]
    known = rank(published)
    attacked = [key for key, is_hidden in zip(cells.keys, hidden, strict=True) if is_hidden]
    return [key for key in attacked if rank([*published, leaves_below(key)]) == known]


@settings(max_examples=40, deadline=None)
@given(GRIDS, st.integers(1, 6))
def test_linear_algebra_recovers_no_hidden_cell(counts: list[int], k: int) -> None:
    cells = table_of(counts)
    found = hide_cells(cells, k)
    assert recovered(cells, found.cells.tolist()) == []
    assert found.primary.tolist() == [0 < n < k for n in cells.counts.tolist()]
    assert not (found.primary & found.secondary).any()


@settings(max_examples=40, deadline=None)
@given(GRIDS, st.integers(2, 6))
def test_no_total_minus_published_cells_below_it_is_a_few_people(counts: list[int], k: int) -> None:
    cells = table_of(counts)
    hidden = hide_cells(cells, k).cells
    of = {key: n for key, n, gone in zip(cells.keys, cells.counts.tolist(), hidden, strict=True) if not gone}
    towns, plans = [*REGIONS, "norway", "sweden", TOTAL], [*PLANS, TOTAL]
    below = {TOTAL: ["norway", "sweden"], "norway": ["oslo", "bergen"], "sweden": ["malmo", "lund"]}

    def rest(group: str, plan: str) -> int:
        """What is left of a group after its published parts, looking into parts that are hidden."""
        return sum(
            rest(part, plan) if part in below else cells.counts[cells.keys.index((part, plan))]
            for part in below[group]
            if (part, plan) not in of
        )

    for group, plan in itertools.product(below, plans):
        assert (group, plan) not in of or not 0 < rest(group, plan) < k
    for town in towns:
        if (town, TOTAL) in of:
            assert not 0 < of[town, TOTAL] - sum(of.get((town, plan), 0) for plan in PLANS) < k


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=6, max_size=6), st.integers(2, 4))
def test_every_small_count_could_be_k_different_counts(counts: list[int], k: int) -> None:
    """By enumeration of all tables of whole numbers that agree with what is published."""
    rows, plans = zip(*itertools.product(("x", "y"), PLANS), strict=True)
    cells = cube(pa.table({"row": list(rows), "plan": list(plans), "n": counts}), ["row", "plan"], "n")
    found = hide_cells(cells, k)
    hidden = found.cells
    if hidden[cells.keys.index((TOTAL, TOTAL))]:
        return  # without the grand total there is no end to the tables that agree
    most = int(cells.counts.max())
    spread: dict[int, set[int]] = {cell: set() for cell in np.flatnonzero(found.primary).tolist()}
    sums = np.array(
        [[int(a in (r, TOTAL) and b in (p, TOTAL)) for r, p in zip(rows, plans, strict=True)] for a, b in cells.keys]
    )
    candidates = (
        np.array(np.meshgrid(*[np.arange(most + 1)] * 6)).reshape(6, -1) if most <= 8 else np.zeros((6, 0), int)
    )
    tables = sums @ candidates
    agree = (tables[~hidden] == cells.counts[~hidden][:, None]).all(axis=0)
    for cell in spread:
        seen = np.unique(tables[cell, agree])
        assert not len(candidates[0]) or seen[-1] - seen[0] >= k


def test_hiding_small_counts_alone_is_recovered_and_one_secondary_cell_is_missed() -> None:
    counts = [3, 20, 30, 25, 28, 22, 40, 21, 24, 26, 27, 23]
    cells = table_of(counts)
    found = hide_cells(cells, 5)
    assert recovered(cells, found.primary.tolist()) == [("oslo", "free")]
    for gap in np.flatnonzero(found.secondary):
        weakened = found.cells.copy()
        weakened[gap] = False
        assert recovered(cells, weakened.tolist()), "a secondary cell that protects nothing"
    assert 3 <= found.secondary.sum() <= 5


def test_two_small_counts_under_one_total_are_not_enough() -> None:
    keys = (("total",), ("a",), ("b",), ("c",))
    cells = CellTable(keys, np.array([32, 1, 1, 30]), (Equation(0, (1, 2, 3)),))
    assert hide_cells(cells, 5).cells.tolist() == [False, True, True, True]


def test_counts_that_are_known_not_to_be_negative_are_considered() -> None:
    # Linear algebra alone does not give the four corners away, but a column that adds up to 0 does.
    rows = pa.table({"row": ["x", "x", "y", "y"], "plan": ["p", "q", "p", "q"], "n": [4, 0, 9, 0]})
    cells = cube(rows, ["row", "plan"], "n")
    corners = np.array([key[0] in "xy" and key[1] in "pq" for key in cells.keys])
    group = unknowns(cells, corners)[0]
    assert group.recoverable().tolist() == []
    assert group.interval(cells.keys.index(("x", "p"))) == (4.0, 4.0)
    hidden = hide_cells(cells, 5).cells
    around = next(g for g in unknowns(cells, hidden) if cells.keys.index(("x", "p")) in g.cells)
    low, high = around.interval(cells.keys.index(("x", "p")))
    assert high - low >= 5


def grid(size: int, counts: list[int]) -> CellTable:
    """A square of rows and columns with their totals."""
    rows, columns = zip(*itertools.product(range(size), range(size)), strict=True)
    table = pa.table({"row": list(map(str, rows)), "column": [f"c{n}" for n in columns], "n": counts})
    return cube(table, ["row", "column"], "n")


def withheld(cells: CellTable, *keys: tuple[str, str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """These cells as the hidden ones."""
    return np.array([key in keys for key in cells.keys])


def test_a_cell_between_two_blocks_is_found_though_every_row_and_column_hides_two() -> None:
    cells = grid(4, [20] * 16)
    blocks = [
        (row, column)
        for rows, columns in (("01", ("c0", "c1")), ("23", ("c2", "c3")))
        for row in rows
        for column in columns
    ]
    hidden = withheld(cells, *blocks, ("1", "c2"))
    found = [cell for group in unknowns(cells, hidden) for cell in group.recoverable().tolist()]
    assert [cells.keys[cell] for cell in found] == [("1", "c2")]


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        (4, [4, 9, 6, 6, 20, 9, 1, 20, 1, 20, 0, 20, 0, 20, 4, 4]),
        (5, [1, 6, 0, 0, 4, 0, 20, 0, 3, 9, 0, 4, 9, 20, 0, 0, 2, 20, 3, 9, 0, 3, 3, 4, 0]),
    ],
)
def test_tables_that_row_by_row_protection_would_give_away(size: int, counts: list[int]) -> None:
    # Found by search: each equation alone looks safe, several together determine a cell or leave it little room.
    cells = grid(size, counts)
    found = hide_cells(cells, 5)
    for group in unknowns(cells, found.cells):
        assert group.recoverable().tolist() == []
        for cell in group.cells[found.primary[group.cells]].tolist():
            low, high = group.interval(cell)
            assert high - low > 5 - 1e-6


def test_hidden_parts_are_looked_into() -> None:
    # With both countries hidden and their large towns published, the rest of the total would be two people.
    keys = tuple((name,) for name in ("all", "third", "norway", "sweden", "oslo", "lom", "malmo", "ven"))
    equations = (Equation(0, (1, 2, 3)), Equation(2, (4, 5)), Equation(3, (6, 7)))
    cells = CellTable(keys, np.array([52, 30, 11, 11, 10, 1, 10, 1]), equations)
    hidden = hide_cells(cells, 5).cells
    assert hidden[5]
    assert hidden[7]
    published = {key[0] for key, gone in zip(keys, hidden, strict=True) if not gone}
    assert not {"oslo", "malmo"} <= published or {"norway", "sweden"} <= published
    assert hidden[4]


def test_no_small_count_no_hiding() -> None:
    cells = table_of([0, 5, 9] * 4)
    assert not hide_cells(cells, 5).cells.any()
    assert hide_cells(CellTable((("a",),), np.array([3]), ()), 5).cells.tolist() == [True]
    with pytest.raises(InvalidConstraintError):
        hide_cells(cells, 0)


def test_tables_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(InconsistentCellsError, match="1 totals"):
        CellTable((("t",), ("a",)), np.array([5, 4]), (Equation(0, (1,)),))
    with pytest.raises(InconsistentCellsError, match="fewer than 0"):
        CellTable((("t",),), np.array([-1]), ())
    for rows, parents in (
        ({"a": ["x", "x"], "n": [1, 2]}, {}),
        ({"a": ["x", None], "n": [1, 2]}, {}),
        ({"a": ["x"], "n": [1]}, {"x": "g", "g": "h", "h": "g"}),
        ({"a": ["x", "y"], "n": [1, 2]}, {"x": "y"}),
    ):
        with pytest.raises(InconsistentCellsError):
            cube(pa.table(rows), ["a"], "n", parents={"a": parents})
