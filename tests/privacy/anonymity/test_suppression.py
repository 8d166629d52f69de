"""No row of a small class leaves, every row is accounted for, and the check finds what brute force finds."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.errors import IdentifiableRowsError, InvalidConstraintError, UnknownColumnError
from privacy.anonymity.ladder import Step, recode_until_k
from privacy.anonymity.suppression import check_k, enforce_k, require_k
from tests.privacy.anonymity import oracle
from tests.privacy.anonymity.oracle import QUASI, Rows, arrow, tables

SUBJECTS = st.sampled_from([None, "person"])
KS = st.integers(1, 6)


@settings(max_examples=50, deadline=None)
@given(tables(), KS, SUBJECTS)
def test_kept_rows_are_k_anonymous_and_all_rows_are_accounted_for(rows: Rows, k: int, subject: str | None) -> None:
    kept, n_suppressed = enforce_k(arrow(rows), QUASI, k, subject=subject)
    assert kept.num_rows + n_suppressed == len(rows)
    wanted = [r for r in rows if any(r in g and oracle.people(g, subject) >= k for g in oracle.groups(rows))]
    assert kept.to_pylist() == wanted
    assert kept.num_rows == 0 or oracle.k_of(kept.to_pylist(), subject) >= k


@settings(max_examples=50, deadline=None)
@given(tables(), KS, SUBJECTS)
def test_the_check_counts_what_brute_force_counts(rows: Rows, k: int, subject: str | None) -> None:
    found = check_k(arrow(rows), QUASI, k, subject=subject)
    small = [group for group in oracle.groups(rows) if oracle.people(group, subject) < k]
    assert (found.n_classes, found.n_small_classes) == (len(oracle.groups(rows)), len(small))
    assert found.n_rows_at_risk == sum(map(len, small))
    assert found.smallest == (oracle.k_of(rows, subject) if rows else None)
    assert found.passed == (not small)


@settings(max_examples=50, deadline=None)
@given(tables(), KS, st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_rows(rows: Rows, k: int, generator: random.Random) -> None:
    shuffled = generator.sample(rows, len(rows))
    one, other = (enforce_k(arrow(r), QUASI, k) for r in (rows, shuffled))
    assert sorted(map(str, one[0].to_pylist())) == sorted(map(str, other[0].to_pylist()))
    assert one[1] == other[1]


def north_or_south(regions: pa.Array) -> pa.Array:
    """East and west become nothing."""
    return pc.if_else(pc.is_in(regions, pa.array(["north", "south"])), regions, pa.scalar(None, pa.string()))


@settings(max_examples=50, deadline=None)
@given(tables(), KS, SUBJECTS)
def test_steps_save_rows_that_suppression_alone_loses(rows: Rows, k: int, subject: str | None) -> None:
    steps: list[Step] = [{"region": north_or_south}, {"region": None}, {"age": None, "job": "any"}]
    kept, n_suppressed = recode_until_k(arrow(rows), QUASI, k, steps=steps, subject=subject)
    assert kept.schema == arrow(rows).schema
    assert [row["illness"] for row in kept.to_pylist()] == [row["illness"] for row in rows] or n_suppressed
    assert kept.num_rows + n_suppressed == len(rows)
    assert n_suppressed <= enforce_k(arrow(rows), QUASI, k, subject=subject)[1]
    assert check_k(kept, QUASI, k, subject=subject).passed


def test_five_events_of_one_person_are_one_person() -> None:
    rows = arrow([{"age": 20, "region": "north", "job": "a", "person": "p1"}] * 5)
    assert check_k(rows, QUASI, 5).passed
    assert not check_k(rows, QUASI, 5, subject="person").passed
    assert enforce_k(rows, QUASI, 5, subject="person") == (rows.slice(0, 0), 5)


def test_the_gate_refuses_a_planted_lone_person_and_does_not_quote_it() -> None:
    crowd = [{"age": 20, "region": "north", "job": "a"}] * 5
    assert require_k(arrow(crowd), QUASI, 5).smallest == 5
    with pytest.raises(IdentifiableRowsError, match="1 of 6 rows") as caught:
        require_k(arrow([*crowd, {"age": 25, "region": "lonely-place", "job": "a"}]), QUASI, 5)
    assert "lonely" not in str(caught.value)


def test_dictionary_columns_and_many_wide_columns_are_compared_by_value() -> None:
    words = pa.array([f"v{n % 50}" for n in range(100)]).dictionary_encode()
    chunked = pa.chunked_array([words.slice(0, 40), words.slice(40).dictionary_decode().dictionary_encode()])
    wide = pa.table({f"c{n}": chunked for n in range(14)})
    found = check_k(wide, wide.column_names, 3)
    assert (found.smallest, found.n_classes) == (2, 50)


@pytest.mark.parametrize("k", [0, -1, True, 2.5])
def test_a_k_that_is_no_count_is_refused(k: int) -> None:
    with pytest.raises(InvalidConstraintError, match="k must be"):
        enforce_k(arrow([]), QUASI, k)


def test_wrong_columns_are_refused() -> None:
    table = pa.table({"a": [1], "list": pa.array([[1]])})
    with pytest.raises(UnknownColumnError, match="no column 'b'"):
        check_k(table, ["b"], 2)
    with pytest.raises(UnknownColumnError, match="cannot be compared"):
        check_k(table, ["list"], 2)
    with pytest.raises(InvalidConstraintError, match="no quasi-identifier"):
        check_k(table, [], 2)


def test_equal_floats_are_equal_however_written() -> None:
    values = pa.array([0.0, 0.0, float("nan"), float("nan"), None, None])
    assert check_k(pa.table({"x": values}), ["x"], 2).passed
    assert pc.sum(values.is_null()).as_py() == 2
