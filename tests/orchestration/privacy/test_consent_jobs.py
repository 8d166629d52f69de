"""The consent asset, materialised by Dagster over a real ledger: counts and pictures, and no person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.platform import PlatformResource
from orchestration.privacy.consent_jobs import ASSETS, JOBS, OVERVIEW
from privacy.consent import Decision, record_decisions
from privacy.overview import consent_overview

pytestmark = pytest.mark.integration
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DECISIONS = [
    Decision("subject-one", "analytics", "grant", START, START, "portal", "accept"),
    Decision("subject-two", "analytics", "grant", START, START, "portal", "accept"),
    Decision("subject-two", "analytics", "withdraw", START + DAY, START + DAY, "portal", "save"),
    Decision("subject-two", "sharing", "withdraw", START + DAY, START + DAY, "browser", "gpc"),
]


def test_the_asset_shows_counts_and_pictures_of_no_person(platform: PlatformResource) -> None:
    with platform.open().database.connect("privacy") as conn:
        record_decisions(conn, DECISIONS)
    done = dg.materialize(ASSETS, resources={"platform": platform})
    (event,) = done.asset_materializations_for_node(OVERVIEW.to_python_identifier())
    found = {name: value.value for name, value in event.metadata.items()}
    assert (found["people"], found["agree/analytics"], found["agree/sharing"]) == (2, 1, 0)
    assert {name: n for name, n in found.items() if name.startswith("decisions/")} == {
        "decisions/accept": 2,
        "decisions/gpc": 1,
        "decisions/save": 1,
    }
    assert "| analytics | 1 | 1 |" in str(found["standing"])
    assert all("data:image/svg+xml" in str(found[name]) for name in ("grants", "withdrawals"))
    assert "subject-" not in str(event.metadata)


def test_decisions_are_counted_on_the_day_they_were_made(platform: PlatformResource) -> None:
    with platform.open().database.connect("privacy") as conn:
        assert consent_overview(conn).n_people == 0
        record_decisions(conn, DECISIONS)
        assert consent_overview(conn).per_day == [(START.date(), 2, 0), ((START + DAY).date(), 0, 2)]


def test_a_job_runs_the_asset() -> None:
    assert [job.name for job in JOBS] == ["consent_overview_job"]
