"""A dbt project on a database of its own: put literal safe rows in, build with the real dbt, read tables out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from privacy.embeddings import VERSION, embed
from tests.conftest import cloned
from warehouse.database import Database
from warehouse.settings import Settings

PROJECT = Path(__file__).parents[2] / "dbt_project"
LOCATION = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
# Modules that share a build among their tests use databases of one name: what was parsed for one holds for the next.
MODULE_DATABASE = f"dbt_module_{os.getpid()}"
# What makes TABLES, with the tests of nothing else.
SPINE = ("--indirect-selection", "cautious", "-s", "+exposure:churn_model", "+ses_sessions", "+agg_company_day")
TABLES = (
    "aggregates.agg_user_fragments",
    "aggregates.agg_user_day",
    "aggregates.agg_user_day_superseded",
    "aggregates.agg_company_day",
    "sessions.ses_sessions",
    "features.ftr_user_weekly",
    "features.lbl_user_churn",
)
ALL_PURPOSES = ("analytics", "personalization", "model_training")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of safe.pseudonymous_events; `at` is UTC like '2024-01-01 23:50', and so is `received` (default: at)."""

    event_id: str
    subject: str | None
    at: str
    company: str | None = None
    component: str | None = "p"
    action: str = "commit"
    data: str = "{}"
    purposes: Sequence[str] = ALL_PURPOSES
    event_type: str = "code"
    received: str | None = None

    @property
    def occurred_at(self) -> datetime:
        """When it happened, aware UTC."""
        return datetime.fromisoformat(self.at + "+00:00")

    @property
    def received_at(self) -> datetime:
        """When it was known, aware UTC."""
        return datetime.fromisoformat((self.received or self.at) + "+00:00")


def vectors_of(events: Sequence[Event]) -> list[tuple[str, str | None, str, date, int, str]]:
    """Rows of safe.text_embeddings beside the events: each prompt and response says its own id."""
    texts = [e for e in events if e.event_type == "ai" and e.action in ("prompt", "response")]
    chosen = [e for e in texts if e.subject and "model_training" in e.purposes]
    vectors = embed([f"{e.action} {e.event_id}" for e in chosen], bytes(32)).tolist()
    return [
        (e.event_id, e.subject, e.action, e.occurred_at.date(), VERSION, str(vector))
        for e, vector in zip(chosen, vectors, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that has dbt imported and runs one command after the other: importing takes longer than most runs."""

    process: subprocess.Popen[str]

    def run(self, arguments: Sequence[str], location: Sequence[str], environment: dict[str, str], log: Path) -> int:
        """Run dbt on the project of a location; its output goes to `log`. Returns the exit code."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([list(arguments), list(location), environment, str(log)]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


# A project is parsed once for each database name and set of variables: nothing else that it says changes meanwhile.
RUNNER = """
import contextlib, json, os, shutil, sys
from dbt.cli.main import dbtRunner
parsed = {}

def manifest(arguments):
    key = (os.environ["LETHE_DBT_DBNAME"], *arguments)
    if key not in parsed:
        parsed[key] = dbtRunner().invoke(["parse", *arguments]).result, os.environ["DBT_TARGET_PATH"]
    found, folder = parsed[key]
    if found is not None and not os.path.exists(os.environ["DBT_TARGET_PATH"] + "/manifest.json"):
        for name in ("manifest.json", "partial_parse.msgpack"):  # the second for a dbt in a process of its own
            shutil.copy(folder + "/" + name, os.environ["DBT_TARGET_PATH"])
    return found and found.deepcopy()

for line in sys.stdin:
    arguments, where, environment, log = json.loads(line)
    os.environ.update(environment)
    with open(log, "w") as out, contextlib.redirect_stdout(out):
        variables = arguments[arguments.index("--vars"):][:2] if "--vars" in arguments else []
        result = dbtRunner(manifest(where + variables)).invoke(arguments + where)
        print(result.exception or "")
    print(0 if result.success else 1, flush=True)
"""


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """One dbt process for all tests; a test that kills dbt starts its own."""
    process = subprocess.Popen([sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield Runner(process)
    process.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Project:
    """The dbt project pointed at one database."""

    database: Database
    settings: Settings
    target: Path
    runner: Runner

    def replace_days(self, events: Iterable[Event], days: Iterable[date] | None = None) -> None:
        """Write whole days as the privacy transform does: rows out, rows in, a new version of each day."""
        rows = list(events)
        touched = set(days or ()) | {event.occurred_at.date() for event in rows}
        with self.database.connect("privacy") as conn:
            conn.execute("delete from safe.pseudonymous_events where event_day = any(%s)", (list(touched),))
            conn.cursor().executemany(
                "insert into safe.pseudonymous_events (event_id, subject, company, event_type, event_source,"
                " component, action, data, occurred_at, received_at, event_day, purposes)"
                " values (%s, %s, %s, %s, 'git', %s, %s, %s, %s, %s, %s, %s)",
                [
                    (e.event_id, e.subject, e.company, e.event_type, e.component, e.action, e.data, e.occurred_at,
                     e.received_at, e.occurred_at.date(), list(e.purposes))
                    for e in rows
                ],
            )  # fmt: skip
            conn.execute("delete from safe.text_embeddings where event_day = any(%s)", (list(touched),))
            conn.cursor().executemany(
                "insert into safe.text_embeddings (event_id, subject, kind, event_day, version, embedding)"
                " values (%s, %s, %s, %s, %s, %s)",
                vectors_of(rows),
            )
            conn.execute("delete from safe.anonymous_events where event_day = any(%s)", (list(touched),))
            conn.cursor().executemany(
                "insert into safe.anonymous_events (anonymous_id, company, event_type, event_source, component,"
                " action, data, occurred_hour, event_day) values (%s, %s, %s, 'git', %s, %s, '{}', %s, %s)",
                [
                    (e.event_id, e.company, e.event_type, e.component, e.action,
                     e.occurred_at.replace(minute=0), e.occurred_at.date())
                    for e in rows if "sharing" in e.purposes
                ],
            )  # fmt: skip
            conn.cursor().executemany(
                "insert into safe.event_days (event_day, raw_version, policy_digest, n_in,"
                " n_pseudonymous, n_anonymous, version)"
                " values (%s, 1, 'p', 0, 0, 0, nextval('safe.event_day_version'))"
                " on conflict (event_day) do update set version = excluded.version",
                [(day,) for day in touched],
            )

    def models(self) -> list[str]:
        """Every table and view that the project makes below staging, by the manifest of the last command."""
        nodes = json.loads((self.target / "manifest.json").read_text())["nodes"].values()
        return sorted(
            f"{node['schema']}.{node['name']}"
            for node in nodes
            if node["resource_type"] == "model" and node["schema"] != "staging"
        )

    def arguments(self, *arguments: str) -> list[str]:
        """The arguments of dbt, as analysts type them."""
        return [*arguments, *LOCATION]

    def environment(self) -> dict[str, str]:
        """What profiles.yml reads, and folders that no other test writes to."""
        address = self.database.address
        return self.settings.environment(
            LETHE_DBT_HOST=address.host,
            LETHE_DBT_PORT=str(address.port),
            LETHE_DBT_USER=self.database.role("dbt"),
            LETHE_DBT_PASSWORD=self.database.passwords["dbt"],
            LETHE_DBT_DBNAME=address.database,
            DBT_TARGET_PATH=str(self.target),
            DBT_LOG_PATH=str(self.target),
        )

    def run(self, *arguments: str) -> bool:
        """Run dbt; whether it succeeded."""
        self.target.mkdir(exist_ok=True)
        return self.runner.run(arguments, LOCATION, self.environment(), self.output) == 0

    @property
    def output(self) -> Path:
        """What the last command printed."""
        return self.target / "output.txt"

    def build(self, *arguments: str) -> None:
        """`dbt build` without the unit tests, which need no data; fails the test when dbt fails."""
        assert self.run("build", "--exclude-resource-type", "unit_test", *arguments), self.output.read_text()

    def statuses(self) -> dict[str, str]:
        """Node name -> status of the last command."""
        results = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query, read as the dbt role."""
        with self.database.connect("dbt") as conn:
            return conn.execute(query.encode()).fetchall()

    def contents(self, tables: Sequence[str] = TABLES) -> dict[str, list[str]]:
        """Every row of every table as text, sorted: equal means equal byte for byte."""
        return {t: [str(r[0]) for r in self.rows(f"select x::text from {t} as x order by 1")] for t in tables}

    def built_days(self) -> list[tuple[object, ...]]:
        """The models' bookkeeping of days and versions."""
        return self.rows("select model, upstream, event_day, version from staging.model_days order by 1, 2, 3")


@pytest.fixture
def project(template: Database, settings: Settings, runner: Runner, tmp_path: Path) -> Iterator[Project]:
    """The dbt project on a fresh database, whose name is that of the test before: what was parsed is still true."""
    with cloned(template, f"dbt_{os.getpid()}") as clone:
        yield Project(clone, settings, tmp_path / "target", runner)
