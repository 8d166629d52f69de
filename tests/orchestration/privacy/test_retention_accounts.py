"""Accounts that are over, from their last event to a request for erasure; Dagster's own runs at their term."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.retention_accounts import propose
from orchestration.privacy.retention_runs import delete_runs
from privacy.erasure.targets import TARGETS, deletable
from privacy.requests import store
from privacy.requests.machine import State
from tests.privacy.retention.world import Event, put_events
from warehouse.database import Database

pytestmark = pytest.mark.integration
TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()  # the clock of the platform fixture


def states(platform: PlatformResource) -> list[tuple[str, State]]:
    with platform.open().database.connect("privacy") as conn:
        return sorted((request.case.opened_by, request.state) for request in store.find(conn))


def test_the_silent_wait_for_the_officer_and_the_deleted_are_approved(
    database: Database, platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    put_events(database, [Event("old", TODAY - timedelta(days=31), "leaver", action="account_deleted")])
    put_events(database, [Event(f"e{n}", TODAY, f"other{n}") for n in range(150)])
    put_events(database, [Event("gone", TODAY - timedelta(days=740), "silent")])
    assert cli.main(["privacy", "retention", "run", "--home", platform.home]) == cli.DONE
    said = capsys.readouterr().out
    assert "1 inactive accounts proposed" in said
    assert "1 deleted accounts to erase" in said
    assert states(platform) == [("retention", State.APPROVED), ("retention", State.RECEIVED)]
    assert propose(platform.open()).total() == 0  # nobody is asked twice
    assert cli.main(["privacy", "retention", "plan", "--home", platform.home]) == cli.DONE
    assert "refused, no store here holds such data" not in capsys.readouterr().out

    # What the approved request then does is tests/privacy/erasure's; that the account goes with it is its registry's.
    assert any((target.table, target.column) == ("privacy.accounts", "subject") for target in deletable(TARGETS))


def test_dagster_forgets_runs_at_the_term_and_not_before() -> None:
    @dg.op
    def nothing() -> None:
        pass

    @dg.job
    def idle() -> None:
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:
        run_id = idle.execute_in_process(instance=instance).run_id
        today = datetime.now(UTC).date()
        assert delete_runs(instance, None) == delete_runs(instance, today) == 0
        assert delete_runs(instance, today + timedelta(days=1)) == 1
        assert instance.get_run_by_id(run_id) is None
        assert instance.all_logs(run_id) == []


def test_three_years_of_months_leave_no_run_older_than_its_term_and_a_day() -> None:
    @dg.op
    def nothing() -> None:
        pass

    @dg.job
    def idle() -> None:
        nothing()

    made_on, term = datetime.now(UTC).date(), 180
    with dg.DagsterInstance.ephemeral() as instance:
        idle.execute_in_process(instance=instance)
        for month in range(37):
            today = made_on + timedelta(days=30 * month)
            delete_runs(instance, today - timedelta(days=term))
            assert len(instance.get_runs()) == (1 if (today - made_on).days <= term else 0)
