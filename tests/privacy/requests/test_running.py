"""Requests carried out on the real database: blocks, corrections, erasure by its receipt, and every way to fail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from privacy import signing
from privacy.consent import Decision, get_consent, record_decisions
from privacy.merging import take_statements
from privacy.purposes import PURPOSES
from privacy.requests import store
from privacy.requests.blocking import Block, blocked_purposes
from privacy.requests.desk import Desk
from privacy.requests.effects import Effect, Erasure, Evidence, Measurement
from privacy.requests.errors import (
    AlreadyRunningError,
    ForbiddenTransitionError,
    IncompleteRequestError,
    OpenRequestsError,
    SubjectGoneError,
    SurvivingRowsError,
    UnprovenOutcomeError,
)
from privacy.requests.kinds import Kind, Task
from privacy.requests.machine import State
from privacy.requests.rectification import Rectification
from privacy.requests.running import run
from privacy.vault import Vault
from tests.privacy.events import START, event
from tests.privacy.events import store as store_events
from tests.privacy.requests.conftest import SUBJECT, Clock, approved
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration


class Store:
    """Rows of a person and an eraser of them that a test can break."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.rows = {"raw.system_logs": 9, "ml.predictions": 2}
        self.misses: set[str] = set()
        self.changes: dict[str, Any] = {}
        self.forged: dict[str, Any] = {}
        self.dies_after: str | None = None
        self.calls = 0
        self.aliases: list[str] = []

    def __call__(self, subject: str, *, request_id: str, now: datetime, aliases: Collection[str]) -> Mapping[str, Any]:
        assert (subject, now.tzinfo is None, aliases) == (SUBJECT, False, self.aliases)
        self.calls += 1
        for table in self.rows:
            if table not in self.misses:
                self.rows[table] = 0
            if table == self.dies_after:
                raise OSError(f"disk full while erasing {subject}")
        receipt = {"request_id": request_id, "targets": [{"target": t, "after": n} for t, n in self.rows.items()]}
        return signing.sign(receipt | self.changes, self.vault) | self.forged


def ran(desk: Desk, eraser: Store, request_id: str) -> State:
    return run(desk, request_id, Erasure(eraser, [signing.signer(desk.vault)]), by="worker").state


@pytest.fixture
def eraser(vault: Vault) -> Store:
    return Store(vault)


def test_an_erasure_is_complete_with_its_receipt_and_forgets_whose_it_was(desk: Desk, eraser: Store) -> None:
    request = approved(desk, Kind.ERASURE)
    assert ran(desk, eraser, request.request_id) is State.COMPLETE
    trail = store.events(desk.conn, request.request_id)
    assert [entry.event for entry in trail][-4:] == ["start", "finish", "measure", "complete"]
    assert trail[-2].detail["survivors"] == {"raw.system_logs": 0, "ml.predictions": 0}
    assert len(trail[-2].detail["receipt_sha256"]) == 64
    assert not any("receipt" in entry.detail for entry in trail)
    with pytest.raises(SubjectGoneError, match="no longer stored"):
        desk.task(request.request_id)
    with pytest.raises(SubjectGoneError):
        ran(desk, eraser, request.request_id)


def test_other_ids_of_the_person_reach_the_eraser(desk: Desk, eraser: Store) -> None:
    eraser.aliases = ["user-old"]
    request = approved(desk, Kind.ERASURE, {"aliases": ["user-old"]})
    assert ran(desk, eraser, request.request_id) is State.COMPLETE


def test_survivors_leave_it_failed_and_another_run_completes_it(desk: Desk, eraser: Store) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    eraser.misses = {"ml.predictions"}
    for _ in range(2):
        with pytest.raises(SurvivingRowsError, match=r"ml\.predictions: 2"):
            ran(desk, eraser, request_id)
        assert store.load(desk.conn, request_id)[0].state is State.FAILED
    with pytest.raises(ForbiddenTransitionError, match="start"):
        desk.withdraw(request_id, by="anna", reason="too late")
    eraser.misses = set()
    assert ran(desk, eraser, request_id) is State.COMPLETE


RECEIPTS: dict[str, tuple[dict[str, Any], dict[str, Any], type[Exception]]] = {
    "another request's": ({"request_id": "req-other"}, {}, UnprovenOutcomeError),
    "measured nothing": ({"targets": []}, {}, UnprovenOutcomeError),
    "a target without a count": ({"targets": [{"target": "raw.system_logs"}]}, {}, UnprovenOutcomeError),
    "a count that is none": ({"targets": [{"target": "raw.system_logs", "after": False}]}, {}, UnprovenOutcomeError),
    "a negative count": (
        {"targets": [{"target": "a", "after": -1}, {"target": "b", "after": 1}]},
        {},
        UnprovenOutcomeError,
    ),
    "a hit in a store": ({"stores": [{"store": "files", "n_hits": 1}]}, {}, SurvivingRowsError),
    "a changed one": ({}, {"erased_at": "yesterday"}, SurvivingRowsError),
    "an unsigned one": ({}, {"signature": None}, SurvivingRowsError),
}


@pytest.mark.parametrize("fault", RECEIPTS)
def test_a_receipt_that_proves_nothing_completes_nothing(desk: Desk, eraser: Store, fault: str) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    eraser.changes, eraser.forged, error = RECEIPTS[fault]
    with pytest.raises(error):
        ran(desk, eraser, request_id)
    assert store.load(desk.conn, request_id)[0].state is State.FAILED
    eraser.changes, eraser.forged = {}, {}
    assert ran(desk, eraser, request_id) is State.COMPLETE


def test_a_receipt_of_another_vault_completes_nothing(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    stranger = Store(Vault.open(tmp_path_factory.mktemp("other") / "vault"))
    with pytest.raises(SurvivingRowsError, match="proof does not verify"):
        ran(desk, stranger, request_id)
    assert store.events(desk.conn, request_id)[-1].detail["proof"] == "UntrustedSignerError"


def test_an_error_is_recorded_by_its_kind_only_and_the_work_goes_on(desk: Desk, eraser: Store) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    eraser.dies_after = "raw.system_logs"
    with pytest.raises(OSError, match="disk full"):
        ran(desk, eraser, request_id)
    last = store.events(desk.conn, request_id)[-1]
    assert (last.to_state, last.reason) == ("failed", "failed with OSError")
    eraser.dies_after = None
    assert ran(desk, eraser, request_id) is State.COMPLETE


class Killed(BaseException):
    """What no code catches, like kill -9."""


class Deadly:
    """An effect that kills its process at one of its steps."""

    def __init__(self, inner: Effect, at: str) -> None:
        self.inner, self.at = inner, at

    def carry_out(self, task: Task) -> Evidence:
        if self.at == "before work":
            raise Killed
        evidence = self.inner.carry_out(task)
        if self.at == "after work":
            raise Killed
        return evidence

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        if self.at == "before measuring":
            raise Killed
        return self.inner.measure(task, evidence)


@pytest.mark.parametrize("at", ["before work", "after work", "before measuring"])
def test_killed_anywhere_it_is_not_complete_and_runs_again(
    database: Database, desk: Desk, eraser: Store, clock: Clock, at: str
) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    effect = Erasure(eraser)
    with database.connect("privacy") as conn, pytest.raises(Killed):
        run(Desk(conn, desk.vault, clock), request_id, Deadly(effect, at), by="worker")
    assert store.load(desk.conn, request_id)[0].state in (State.IN_PROGRESS, State.VERIFYING)
    assert run(desk, request_id, effect, by="worker").state is State.COMPLETE


def test_two_workers_do_not_run_one_request(database: Database, desk: Desk, eraser: Store, clock: Clock) -> None:
    request_id = approved(desk, Kind.ERASURE).request_id
    with database.connect("privacy") as conn:
        other = Desk(conn, desk.vault, clock)
        with other.claimed(request_id), pytest.raises(AlreadyRunningError):
            ran(desk, eraser, request_id)
    assert ran(desk, eraser, request_id) is State.COMPLETE


def test_nothing_runs_before_identity_and_approval(desk: Desk, eraser: Store) -> None:
    request = desk.open(Kind.ERASURE, SUBJECT, by="anna", reason="asked by mail")
    with pytest.raises(ForbiddenTransitionError):
        ran(desk, eraser, request.request_id)
    assert eraser.calls == 0


@pytest.mark.parametrize("name", [SUBJECT, "their-other-id"])
def test_an_erasure_strands_no_other_request(desk: Desk, eraser: Store, name: str) -> None:
    take_statements(desk.conn, [("their-other-id", SUBJECT)], source="web", at=START)
    waiting = desk.open(Kind.ACCESS, name, by="anna", reason="asked by mail").request_id
    request_id = approved(desk, Kind.ERASURE).request_id
    with pytest.raises(OpenRequestsError, match=waiting):
        ran(desk, eraser, request_id)
    desk.withdraw(waiting, by="anna", reason="not wanted any more")
    assert ran(desk, eraser, request_id) is State.COMPLETE


def granted(conn: psycopg.Connection, clock: Clock) -> None:
    before = clock() - timedelta(days=1)
    record_decisions(conn, [Decision(SUBJECT, p, "grant", before, before, "portal", "accept") for p in PURPOSES])


@pytest.mark.parametrize("kind", [Kind.RESTRICTION, Kind.OBJECTION])
def test_a_block_withdraws_and_is_read_back(desk: Desk, clock: Clock, kind: Kind) -> None:
    granted(desk.conn, clock)
    request_id = approved(desk, kind).request_id
    assert run(desk, request_id, Block(desk.conn), by="worker").state is State.COMPLETE
    current = get_consent(desk.conn, SUBJECT)
    required = {name for name, purpose in PURPOSES.items() if purpose.required}
    assert {name for name, decision in current.items() if decision == "grant"} == (
        required if kind is Kind.OBJECTION else set()
    )


def test_an_objection_may_name_purposes(desk: Desk, clock: Clock) -> None:
    granted(desk.conn, clock)
    request_id = approved(desk, Kind.OBJECTION, {"purposes": ["marketing"]}).request_id
    run(desk, request_id, Block(desk.conn), by="worker")
    assert [name for name, decision in get_consent(desk.conn, SUBJECT).items() if decision == "withdraw"] == [
        "marketing"
    ]
    with pytest.raises(IncompleteRequestError, match="world_domination"):
        blocked_purposes(Task("r", Kind.OBJECTION, SUBJECT, START, {"purposes": ["world_domination"]}))


def test_a_block_that_does_not_hold_is_not_complete(desk: Desk, clock: Clock) -> None:
    """A decision dated later than the block would still be the latest word."""
    granted(desk.conn, clock)
    later = clock() + timedelta(hours=1)
    record_decisions(desk.conn, [Decision(SUBJECT, "sharing", "grant", later, later, "portal", "accept")])
    request_id = approved(desk, Kind.RESTRICTION).request_id
    with pytest.raises(SurvivingRowsError, match="sharing: 1"):
        run(desk, request_id, Block(desk.conn), by="worker")
    clock.pass_by(hours=2)
    assert run(desk, request_id, Block(desk.conn), by="worker").state is State.COMPLETE


@pytest.fixture
def raw(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect(ADMIN) as conn:
        rows = [event(n, {"age": 3, "name": {"first": "Zoe"}}, user_id=(SUBJECT, "other")[n % 2]) for n in range(4)]
        store_events(conn, rows)
        for row in rows:
            conn.execute("insert into raw.event_keys values ('test', %s, '', %s)", (row["id"], row["event_day"]))
        conn.commit()
    with database.connect("erasure") as conn:
        yield conn


CORRECTION = {"source": "test", "event_id": "e0", "column": "data", "path": ["name", "first"], "value": "Zoë"}


def values(conn: psycopg.Connection) -> dict[str, tuple[Any, ...]]:
    return {
        r[0]: r[1:] for r in conn.execute("select id, data, component, fingerprint from raw.system_logs").fetchall()
    }


def test_a_correction_changes_one_value_and_makes_its_day_dirty(desk: Desk, raw: psycopg.Connection) -> None:
    before = values(raw)
    versions = "select version from raw.event_days"
    old = raw.execute(versions).fetchone()
    plain = {"source": "test", "event_id": "e2", "column": "component", "value": None}
    request_id = approved(desk, Kind.RECTIFICATION, {"corrections": [CORRECTION, plain]}).request_id
    assert run(desk, request_id, Rectification(raw), by="worker").state is State.COMPLETE
    after = values(raw)
    assert after["e0"] == ({"age": 3, "name": {"first": "Zoë"}}, *before["e0"][1:])
    assert after["e2"] == (before["e2"][0], None, before["e2"][2])
    assert {name: after[name] for name in ("e1", "e3")} == {name: before[name] for name in ("e1", "e3")}
    assert old is not None
    assert raw.execute(versions).fetchone() == (old[0] + 1,)
    text = repr(store.events(desk.conn, request_id))
    assert "Zoë" not in text
    assert "'n_corrections': 2" in text


@pytest.mark.parametrize(
    "wrong",
    [{"event_id": "e1"}, {"event_id": "e9"}, {"path": ["name", "last"]}, {"path": ["nothing"]}, {"source": "other"}],
)
def test_what_cannot_be_corrected_is_not_complete(desk: Desk, raw: psycopg.Connection, wrong: dict[str, Any]) -> None:
    before = values(raw)
    request_id = approved(desk, Kind.RECTIFICATION, {"corrections": [CORRECTION | wrong]}).request_id
    with pytest.raises(SurvivingRowsError, match="data: 1"):
        run(desk, request_id, Rectification(raw), by="worker")
    assert values(raw) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"column": "user_id"},
        {"path": []},
        {"column": "action", "path": ["a"]},
        {"column": "action", "path": [], "value": 3},
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(
    desk: Desk, raw: psycopg.Connection, wrong: dict[str, Any]
) -> None:
    request_id = approved(desk, Kind.RECTIFICATION, {"corrections": [CORRECTION | wrong]}).request_id
    with pytest.raises(IncompleteRequestError, match="correction 1"):
        run(desk, request_id, Rectification(raw), by="worker")
    incomplete = approved(desk, Kind.RECTIFICATION, {"corrections": [{"source": "test"}]}).request_id
    with pytest.raises(IncompleteRequestError, match="event_id, column, value"):
        run(desk, incomplete, Rectification(raw), by="worker")
