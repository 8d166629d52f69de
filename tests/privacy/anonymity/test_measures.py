"""k, l, t, discernibility and NCP against exact brute force, and what each says of a planted weak table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.classes import classes_of
from privacy.anonymity.intervals import anonymise
from privacy.anonymity.measures import discernibility, k_of, l_of, ncp, t_of
from tests.privacy.anonymity import oracle
from tests.privacy.anonymity.oracle import QUASI, Rows, arrow, tables


@settings(max_examples=50, deadline=None)
@given(tables(), st.sampled_from([None, "person"]))
def test_k_agrees_with_brute_force(rows: Rows, subject: str | None) -> None:
    assert k_of(arrow(rows), QUASI, subject=subject) == oracle.k_of(rows, subject)


@settings(max_examples=50, deadline=None)
@given(tables(), st.sampled_from(["illness", "income"]))
def test_l_and_t_agree_with_brute_force(rows: Rows, sensitive: str) -> None:
    assert l_of(arrow(rows), QUASI, sensitive) == oracle.l_of(rows, sensitive)
    wanted = oracle.t_of(rows, sensitive, is_ordered=sensitive == "income")
    assert t_of(arrow(rows), QUASI, sensitive) == pytest.approx(float(wanted))


@settings(max_examples=50, deadline=None)
@given(tables(), st.integers(0, 5))
def test_discernibility_charges_each_row_its_class(rows: Rows, n_suppressed: int) -> None:
    sizes = classes_of(arrow(rows), QUASI).sizes
    wanted = sum(len(group) ** 2 for group in oracle.groups(rows)) + n_suppressed * (len(rows) + n_suppressed)
    assert discernibility(sizes, n_suppressed=n_suppressed) == wanted


def test_k_alone_hides_nothing_where_all_share_the_illness() -> None:
    rows = arrow(
        [{"age": 20, "region": "north", "job": "a", "illness": "flu"}] * 5 + [{"age": 21, "illness": "cold"}] * 5
    )
    assert k_of(rows, QUASI) == 5
    assert l_of(rows, QUASI, "illness") == 1
    assert t_of(rows, QUASI, "illness") == 0.5


def test_ncp_by_hand() -> None:
    table = pa.table({"age": [0, 10, 50, 100], "kind": ["a", "a", "c", "b"]})
    made = anonymise(table, ["age", "kind"], 2)
    # classes: ages 0 to 10 of kind a, and ages 50 to 100 of kinds b to c
    assert ncp(made.partitioning) == pytest.approx((0.1 + 0.0 + 0.5 + 0.5) / 4)
    assert ncp(anonymise(table, ["age", "kind"], 5).partitioning) == 1.0
    assert ncp(anonymise(table, ["age", "kind"], 1).partitioning) == 0.0


def test_squares_of_large_classes_do_not_overflow() -> None:
    assert discernibility(np.array([4_000_000_000])) == 16 * 10**18
