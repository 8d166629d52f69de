"""Homes with a completed run: one that tests only look at, and one that they may change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.homes import Finished, Home, make_home

N_EVENTS = "40000"
# The way to the champion and one model of each layer: here runs are killed, refused and repeated some thirty times.
# Every model is built in the canary's home and in tests/dbt_project, which holds each to a full refresh.
MODELS = "+exposure:churn_model +ses_sessions +agg_company_day +ftr_customer_purchases"


@dataclass(frozen=True, slots=True)
class Completed:
    """A home after `lethe run`, with what the run printed."""

    home: Home
    finished: Finished


@pytest.fixture(scope="session")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Completed]:
    """A completed run of the simulator. Tests that change the home make their own."""
    home = make_home(tmp_path_factory.mktemp("completed") / "home", MODELS)
    try:
        yield Completed(home, home.run("run", "--events", N_EVENTS, "--json"))
    finally:
        home.remove()


@pytest.fixture(scope="session")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Completed]:
    """A completed run in a home that tests may change. Its modules run in one group: xdist_group("changing")."""
    home = make_home(tmp_path_factory.mktemp("changing") / "home", MODELS)
    try:
        yield Completed(home, home.run("run", "--events", N_EVENTS, "--json"))
    finally:
        home.remove()
