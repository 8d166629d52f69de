"""The sensor of retraining in a home with a champion: quiet, a planted drift, its run with its cause, cool-down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg
import pytest

from orchestration.assets.model import CANDIDATE, CHAMPION, TRAINING_SET
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.jobs import QUIET
from orchestration.monitoring import SCORE
from orchestration.platform import PlatformResource, platform_of
from orchestration.sensors import retraining
from tests.homes import CLOCK
from tests.integration.conftest import Completed
from warehouse.database import ADMIN, Database

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("changing")]

NEWEST = "cutoff_on = (select max(cutoff_on) from features.ftr_user_weekly)"
PLANT = f"""
create table public.planted as select * from features.ftr_user_weekly where {NEWEST};
do $$ begin execute (
  select 'update features.ftr_user_weekly set ' || string_agg(quote_ident(column_name) || ' = 0', ', ')
  from information_schema.columns where table_schema = 'features' and table_name = 'ftr_user_weekly'
  and data_type = 'double precision'
) || ' where {NEWEST}'; end $$
"""
UNDO = (
    f"delete from features.ftr_user_weekly where {NEWEST};"
    "insert into features.ftr_user_weekly select * from public.planted; drop table public.planted"
)


@contextmanager
def drift(database: Database) -> Iterator[None]:
    """Every figure of everybody is 0 at the newest cutoff, as after a source that fell silent."""
    with database.connect(ADMIN) as conn:
        conn.execute(PLANT.encode())
    try:
        yield
    finally:
        with database.connect(ADMIN) as conn:
            conn.execute(UNDO.encode())


@pytest.fixture
def platform(changing: Completed, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformResource]:
    """The home in this process; what opening it sets in the environment is taken back."""
    for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE", "DAGSTER_COMPUTE_LOG_TAIL_WAIT_AFTER_FINISH"):
        monkeypatch.setenv(name, "")
    for name, value in changing.home.environment.items():
        if name.startswith("LETHE_"):
            monkeypatch.setenv(name, value)
    platform_of.cache_clear()
    yield PlatformResource(home=str(changing.home.path))
    platform_of.cache_clear()


def tick(
    platform: PlatformResource, instance: dg.DagsterInstance, cursor: str | None
) -> tuple[list[dg.RunRequest], str | None, str | None]:
    """One evaluation as the daemon does it: requests, why there are none, what it remembers."""
    with dg.build_sensor_context(instance, cursor=cursor, resources={"platform": platform}) as context:
        data = retraining.evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message, data.cursor


def at(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """So many days after the home was made."""
    monkeypatch.setenv("LETHE_CLOCK", (datetime.fromisoformat(CLOCK) + timedelta(days=days)).isoformat())
    platform_of.cache_clear()


def test_a_drift_asks_for_one_run_that_carries_its_cause(
    changing: Completed, platform: PlatformResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = changing.home.database()
    with open_instance(platform.open()) as instance:
        at(monkeypatch, 8)
        requests, why, cursor = tick(platform, instance, None)
        assert (requests, why) == ([], "nothing to train for")
        with drift(database):
            (request,), why, cursor = tick(platform, instance, cursor)
            assert (cause := request.tags["lethe/cause"]).startswith("drift at ")
            assert SCORE in cause, "the model's own output moved with what it is made of"
            at(monkeypatch, 14)
            requests, why, cursor = tick(platform, instance, cursor)
            assert requests == []
            assert str(why).startswith("drift at ")
            assert "a training was asked for 2026-11-28, the next not before 2026-12-05" in str(why)
        at(monkeypatch, 0)
        job = build_definitions(platform.open().settings).resolve_job_def(str(retraining.job_name))
        run = job.execute_in_process(
            run_config=QUIET, instance=instance, tags=dict(request.tags),
            asset_selection=[TRAINING_SET, CANDIDATE, CHAMPION],
        )  # fmt: skip
        assert run.success
    with database.connect(ADMIN) as conn:
        stored = conn.execute(
            "select value from dagster.run_tags where run_id = %s and key = 'lethe/cause'", (run.run_id,)
        ).fetchall()
    assert stored == [(cause,)]
