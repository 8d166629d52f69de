"""A planted fault at each border stops everything below it, says why, and leaves what was published as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from orchestration.gates import check_name
from quality import suites
from tests.integration.conftest import Completed
from tests.integration.contents import champion, digest
from warehouse.database import ADMIN, Database

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("changing")]

NEWEST_DAY = "(select max(event_day) from raw.event_days)"
OLDEST_CUTOFF = "(select min(cutoff_on) from features.ftr_user_weekly)"
TOUCH = f"update raw.event_days set version = nextval('raw.event_day_version') where event_day = {NEWEST_DAY}"
PRETEND_NOTHING_CHANGED = (
    "update raw.event_days d set version = s.raw_version from safe.event_days s where s.event_day = d.event_day"
)


@dataclass(frozen=True, slots=True)
class Border:
    """A gate, the fault that breaks one of its rules, how it is undone, and what must not happen below."""

    gate: str
    rule: str
    plant: str
    undo: str
    stopped: frozenset[str]


BELOW_PREDICTIONS = frozenset({"ml__published_predictions"})
BELOW_FEATURES = BELOW_PREDICTIONS | {
    "churn_model", "ml__predictions", "ml__risk_scores", "next_action_model", "ml__recommendations",
    "quality__predictions_out",
}  # fmt: skip
BELOW_RAW = BELOW_FEATURES | {"privacy_transform", "dbt_build", "quality__features_out"}
BORDERS = (
    Border(
        suites.RAW_IN,
        "raw_in:raw.system_logs:received_in_past:holds",
        f"update raw.system_logs set received_at = received_at + interval '9 years' where event_day = {NEWEST_DAY}",
        f"update raw.system_logs set received_at = received_at - interval '9 years' where event_day = {NEWEST_DAY}",
        BELOW_RAW,
    ),
    Border(
        suites.FEATURES_OUT,
        "features_out:features.ftr_user_weekly:cutoff_on,subject:unique",
        "create table public.planted as select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text"
        " as name from pg_index where indrelid = 'features.ftr_user_weekly'::regclass and indisunique;"
        "do $$ begin execute (select 'drop index ' || name from public.planted); end $$;"
        "insert into features.ftr_user_weekly select * from features.ftr_user_weekly"
        f" where cutoff_on = {OLDEST_CUTOFF} limit 1",
        f"delete from features.ftr_user_weekly where cutoff_on = {OLDEST_CUTOFF} and ctid not in"
        " (select min(ctid) from features.ftr_user_weekly group by cutoff_on, subject);"
        "do $$ begin execute (select definition from public.planted); end $$; drop table public.planted",
        BELOW_FEATURES,
    ),
    Border(
        suites.PREDICTIONS_OUT,
        "predictions_out:ml.predictions:probability:within",
        "create function public.plant() returns trigger language plpgsql as"
        " $$ begin if not exists (select from ml.predictions where probability > 1) then new.probability := 2; end if;"
        " return new; end $$;"
        "create trigger planted before insert on ml.predictions for each row execute function public.plant()",
        "drop trigger planted on ml.predictions; drop function public.plant()",
        BELOW_PREDICTIONS,
    ),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What people and services use: the champion and the published predictions, with the rest of the tables below."""

    champion: tuple[int, str] | None
    published: tuple[int, str]
    n_training_sets: int
    safe: tuple[int, str]


def standing(database: Database) -> Standing:
    """What stands now."""
    with database.connect(ADMIN) as conn:
        sets = conn.execute("select count(*) from ml.training_sets").fetchone()
        assert sets is not None
        return Standing(
            champion(database),
            digest(conn, "ml", "published_predictions"),
            int(sets[0]),
            digest(conn, "safe", "pseudonymous_events"),
        )


@contextmanager
def fault(database: Database, border: Border) -> Iterator[None]:
    """The fault, and a changed day so that a run has work; both are undone."""
    execute(database, border.plant)
    execute(database, TOUCH)
    try:
        yield
    finally:
        execute(database, border.undo)
        execute(database, PRETEND_NOTHING_CHANGED)


def execute(database: Database, statements: str) -> None:
    """Run SQL as the administrator."""
    with database.connect(ADMIN) as conn:
        conn.execute(statements.encode())


def newest_run(database: Database) -> str:
    """The id of the newest Dagster run."""
    with database.connect(ADMIN) as conn:
        row = conn.execute("select run_id from dagster.runs order by id desc limit 1").fetchone()
    assert row is not None
    return str(row[0])


def steps(database: Database, run_id: str) -> set[str]:
    """The steps that began in a run."""
    query = "select step_key from dagster.event_logs where run_id = %s and dagster_event_type = 'STEP_START'"
    with database.connect(ADMIN) as conn:
        return {str(step) for (step,) in conn.execute(query.encode(), (run_id,)).fetchall()}


def failed_checks(database: Database, run_id: str, gate: str) -> set[str]:
    """The failed checks of a run as Dagster's own records have them."""
    query = (
        "select check_name from dagster.asset_check_executions where run_id = %s and execution_status = 'FAILED'"
        " and asset_key = %s"
    )
    with database.connect(ADMIN) as conn:
        rows = conn.execute(query.encode(), (run_id, f'["quality", "{gate}"]')).fetchall()
    return {str(name) for (name,) in rows}


def evidence(database: Database, run_id: str, gate: str) -> list[tuple[Any, ...]]:
    """(check, success, rows that break it) of the gate's stored evidence."""
    query = "select name, success, n_unexpected from quality.gate_results where run_key = %s and gate = %s"
    with database.connect("quality") as conn:
        return conn.execute(query.encode(), (run_id, gate)).fetchall()


@pytest.mark.parametrize(
    "border",
    [pytest.param(border, marks=[] if border.gate == suites.RAW_IN else pytest.mark.once) for border in BORDERS],
    ids=lambda border: border.gate,
)
def test_a_fault_at_a_border_stops_everything_below(changing: Completed, border: Border) -> None:
    database = changing.home.database()
    before = standing(database)
    assert before.champion is not None
    assert before.published[0] > 0
    rule = next(rule for rule in suites.RULES if rule.key == border.rule)
    with fault(database, border):
        run = changing.home.run("run", "--json")
        run_id = newest_run(database)
        assert run.code == 3, run.err
        assert f"gate {border.gate} refuses" in run.out
        assert f"{rule.table} · {rule.column} · {rule.says}" in run.out
        assert "Traceback" not in run.out + run.err
        assert steps(database, run_id) & border.stopped == set()
        assert f"quality__{border.gate}" in steps(database, run_id)
        assert failed_checks(database, run_id, border.gate) == {check_name(rule)}
        stored = evidence(database, run_id, border.gate)
        assert len(stored) >= len(suites.rules_of(border.gate))
        assert [n > 0 for _, success, n in stored if not success] == [True]
        assert standing(database) == before
    again = changing.home.run("run", "--json")
    assert again.code == 0, again.err
    assert standing(database) == before
