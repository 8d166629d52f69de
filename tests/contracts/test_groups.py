"""Tests that share a home run on one worker. A pytest that hides their groups would quietly build every home twice."""

from __future__ import annotations

import pytest

from tests.conftest import turn_of


@pytest.mark.xdist_group("completed")
def test_the_scheduler_sees_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("nothing to schedule: no workers, or not with --dist loadgroup")
    assert request.node.nodeid.endswith("@completed")


def test_long_groups_are_collected_first(request: pytest.FixtureRequest) -> None:
    turns = [turn_of(item) for item in request.session.items]
    assert turns == sorted(turns)
