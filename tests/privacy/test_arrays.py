"""The order by day and id is the order of the strings, ties of the numeric prefix included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from privacy.arrays import PREFIX, order_by_day_and_id

IDS = st.builds(
    lambda head, tail: head * PREFIX + tail, st.sampled_from("09af"), st.text("0af9", min_size=4, max_size=4)
)


@given(st.lists(st.tuples(st.integers(-3, 3), IDS), max_size=20, unique=True))
def test_positions_sort_by_day_and_id(rows: list[tuple[int, str]]) -> None:
    days = np.array([day for day, _ in rows], dtype=np.int32)
    order = order_by_day_and_id(days, pa.array([text for _, text in rows], pa.string()))
    assert [rows[at] for at in order] == sorted(rows)
