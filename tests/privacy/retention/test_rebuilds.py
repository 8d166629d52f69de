"""Retention, the privacy transform and the real dbt models on the same tables: a closed day is never computed again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.privacy.lineage import lineage_of
from privacy.breaches.affected import sources
from privacy.classification import load_rules
from privacy.consent import Decision, record_decisions
from privacy.retention import stores
from privacy.retention.deletion import LOCK_MODELS
from privacy.retention.execution import run, sweep_withdrawn
from privacy.retention.holds import keyed_by
from privacy.retention.planning import plan
from privacy.retention.withdrawals import WITHDRAWN
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.dbt_project.conftest import SPINE, TABLES, Project, project, runner
from tests.privacy.events import RULES, event, rule_rows, store
from warehouse.database import ADMIN

__all__ = ["project", "runner"]
pytestmark = pytest.mark.integration
FIRST = datetime(2024, 2, 20, 23, 50, tzinfo=UTC)
NOW = datetime(2024, 5, 31, 3, tzinfo=UTC)
OPEN_FROM = date(2024, 4, 1)  # 60 days before
N_DAYS = 100
SELECTED = {"run": SPINE, "build": (*SPINE, "--exclude-resource-type", "unit_test")}
PURPOSES = ("analytics", "personalization", "model_training", "sharing")


def rows() -> list[dict[str, object]]:
    """Three people, an event a day each, around midnight so that sessions cross days."""
    return [
        event(n, {"plan": "pro"}, user_id=f"u{n % 3 + 1}", created_at=FIRST + timedelta(days=n // 3, minutes=n % 3 * 9))
        for n in range(3 * N_DAYS)
    ]


class World:
    """A home's tables and how they are brought up to date."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.database = project, project.database
        self.vault = Vault.open(folder / "vault")

    def consents(self, decision: str, subject: str, at: datetime) -> None:
        with self.database.connect("privacy") as conn:
            record_decisions(conn, [Decision(subject, p, decision, at, at, "t", "api") for p in PURPOSES])

    def build(self, command: str = "run") -> list[date]:
        """Transform what is pending and build the models (with their tests: "build"); returns the days."""
        with self.database.connect("privacy") as conn:
            days = pending_days(conn)
            transform_days(conn, days, self.vault)
        statements = ("--log-level-file", "debug")  # of which a test looks for the locks
        assert self.project.run(command, *SELECTED[command], *statements), self.project.output.read_text()
        return days

    def retain(self, now: datetime = NOW) -> None:
        with self.database.connect("erasure") as conn:
            run(conn, None, keyed_by(self.vault), now)

    def stores(self) -> dict[str, stores.Store]:
        """The stores that are here, dbt's included, by table."""
        with self.database.connect("erasure") as conn:
            return {store.table: store for store in stores.present(conn)}

    def kept(self, table: str, without: str = "") -> list[tuple[object, ...]]:
        """The rows of closed days, but those of one subject."""
        column = self.stores()[table].column
        query = f"select x::text from {table} x where {column} < '{OPEN_FROM}' order by 1"
        return [row for row in self.project.rows(query) if not without or without not in str(row[0])]


@pytest.fixture
def world(project: Project, tmp_path: Path) -> World:
    """Three people's hundred days, consented, transformed and built."""
    made = World(project, tmp_path)
    with made.database.connect("collection") as conn:
        store(conn, rows())
    with made.database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), FIRST)
    for subject in ("u1", "u2", "u3"):
        made.consents("grant", subject, FIRST - timedelta(days=1))
    made.build()
    return made


def test_what_was_made_of_expired_events_outlives_them_whatever_changes(world: World) -> None:
    before = {table: world.kept(table) for table in TABLES}
    assert {table for table, rows in before.items() if not rows} == {
        "aggregates.agg_user_day_superseded"
    }  # none is late
    text = (world.project.target / "dbt.log").read_text()
    for table in TABLES:
        schema, name = table.split(".")
        locked = f'"{world.database.address.database}"."{schema}"."{name}"'
        assert f"hashtextextended('{locked}', 0)" in text  # the name that retention locks
    with world.database.connect("erasure") as conn:
        assert conn.execute(LOCK_MODELS).rowcount == len(TABLES)

    world.retain()
    with world.database.connect(ADMIN) as conn:
        for table in ("raw.system_logs", "raw.event_days", "safe.pseudonymous_events", "safe.event_days"):
            assert conn.execute(f"select min(event_day) from {table}".encode()).fetchone() == (OPEN_FROM,)

    # Another policy makes every day pending that can be computed again, and no other; a late event and a withdrawal
    # reach none that is closed.
    with world.database.connect("privacy") as conn:
        load_rules(conn, rule_rows([("page", "/data/extra", "non_personal", "count"), *RULES]), NOW)
    late = event(9000, {}, user_id="u1", created_at=FIRST + timedelta(days=3))
    with world.database.connect("collection") as conn:
        store(conn, [late])
    world.consents("withdraw", "u2", NOW)
    assert min(world.build()) == OPEN_FROM
    assert {table: world.kept(table) for table in TABLES} == before

    # What a build cannot take from closed days after a withdrawal, retention takes: that person's rows and no other.
    with world.database.connect("erasure") as conn:
        planned = [line for line in plan(conn, None, keyed_by(world.vault), NOW).lines if line.method == WITHDRAWN]
        assert sweep_withdrawn(conn, keyed_by(world.vault), NOW) == sum(line.n for line in planned) > 0
        assert sweep_withdrawn(conn, keyed_by(world.vault), NOW) == 0
    world.retain()
    token = keyed_by(world.vault)(["u2"])["u2"]
    left = {table: [row for row in before[table] if token not in str(row[0])] for table in TABLES}
    purposed = [name for name, s in world.stores().items() if s.purpose and name in TABLES]
    for table in purposed:
        assert world.kept(table) == left[table]
        assert world.project.rows(f"select 1 from {table} where subject = '{token}'") == []
    with world.database.connect("privacy") as conn:
        assert pending_days(conn) == []

    # The live schema with everything dbt makes has no dated table without a rule.
    with world.database.connect("erasure") as conn:
        assert stores.uncovered(conn) == stores.misnamed(conn) == []
    assert {*TABLES, "staging.model_days"} <= set(world.stores())

    # What dbt says of itself leads a breach of a table without people to the people behind it.
    made_from = lineage_of(json.loads((world.project.target / "manifest.json").read_text()))
    people = [source.table for source in sources("aggregates.agg_company_day", made_from)]
    assert people == ["staging.stg_personalization_events"]
    assert [source.table for source in sources("staging.stg_shared_events", made_from)] == ["raw.system_logs"]

    # The fault that closing prevents, planted: events deleted from open days take what was made of them with them.
    planted = "select event_day from aggregates.agg_user_day where event_day between '2024-04-01' and '2024-04-08'"
    assert len(world.project.rows(planted)) == 2 * 8  # u1 and u3
    with world.database.connect(ADMIN) as conn:
        conn.execute("delete from raw.system_logs where event_day <= '2024-04-08'")
        conn.execute("update raw.event_days set version = nextval('raw.event_day_version')")
    world.build("build")
    assert world.project.rows(planted) == []
    for table in purposed:
        assert world.kept(table) == left[table]
