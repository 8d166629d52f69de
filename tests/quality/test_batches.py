"""Which rows a gate looks at: the date conditions and the window pairs, as text and without a database."""

from __future__ import annotations

from datetime import date

from quality.batches import Scope, windows
from tests.quality.world import NOW

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 3)
BETWEEN = "d between date '2024-03-01' and date '2024-03-03'"


def test_a_scope_is_bounds_first_and_a_list_only_where_days_are_missing() -> None:
    assert Scope(None, None, NOW).where("d") == "true"
    assert Scope((FIRST, LAST), None, NOW).where("d") == BETWEEN
    assert Scope(None, (LAST, date(2024, 3, 2), FIRST), NOW).where("d") == BETWEEN
    assert Scope(None, (LAST, FIRST), NOW).where("d") == f"{BETWEEN} and d = any(array[date '{FIRST}', date '{LAST}'])"


def test_no_days_are_no_rows() -> None:
    scope = Scope((FIRST, LAST), (), NOW)
    assert scope.where("d") == "false"
    assert scope.bounds == (None, None)


def test_windows_pair_neighbours_of_one_family_by_length() -> None:
    columns = ["n_events_90d", "n_events_7d", "n_events_28d", "n_errors_7d", "n_sessions", "days_28d"]
    assert windows(columns) == [("n_events_7d", "n_events_28d"), ("n_events_28d", "n_events_90d")]
