"""Requests in the real database: identity, due dates, approval, the audit trail, and what the server itself refuses."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.requests import store
from privacy.requests.blast import Reach, count_reach, large_tables
from privacy.requests.deadlines import due_on
from privacy.requests.desk import Desk
from privacy.requests.errors import (
    ForbiddenTransitionError,
    IncompleteRequestError,
    SubjectGoneError,
    SubjectInReasonError,
    UnknownRequestError,
    WrongCodeError,
)
from privacy.requests.kinds import Kind
from privacy.requests.machine import CHALLENGES, TRIES, State
from tests.privacy.requests.conftest import SUBJECT, Clock, approved
from warehouse.database import ADMIN, Database


def opened(desk: Desk, kind: Kind = Kind.ERASURE) -> str:
    return desk.open(kind, SUBJECT, by="anna", reason="asked by mail").request_id


@pytest.mark.integration
def test_a_request_is_stored_without_its_subject(database: Database, desk: Desk) -> None:
    request_id = opened(desk)
    request, kept = store.load(desk.conn, request_id)
    assert (request.state, request.due_on, request.case.opened_by) == (State.RECEIVED, date(2024, 2, 29), "anna")
    assert desk.task(request_id).subject == SUBJECT
    assert SUBJECT not in repr(desk.task(request_id))
    with database.connect(ADMIN) as conn:
        for table in ("privacy_requests", "request_events"):
            text = conn.execute(f"select string_agg(t::text, '') from privacy.{table} t".encode()).fetchone()
            assert text is not None
            assert SUBJECT not in text[0]
            assert SUBJECT.encode().hex() not in text[0]
    assert kept.sealed is not None
    assert SUBJECT.encode() not in kept.sealed
    assert [found.request_id for found in store.find(desk.conn, blinded_subject=kept.blinded_subject)] == [request_id]


@pytest.mark.integration
def test_every_step_says_who_when_and_why(desk: Desk, clock: Clock) -> None:
    request_id = approved(desk, Kind.ACCESS).request_id
    clock.pass_by(days=1)
    desk.withdraw(request_id, by="anna", reason="changed their mind")
    trail = store.events(desk.conn, request_id)
    assert [entry.event for entry in trail] == ["open", "attest", "assess", "withdraw"]
    assert [entry.to_state for entry in trail] == ["received", "identified", "approved", "withdrawn"]
    assert all(entry.actor and entry.reason for entry in trail)
    assert trail[-1].happened_at - trail[0].happened_at == timedelta(days=1)
    with pytest.raises(SubjectGoneError, match="withdrawn"):
        desk.task(request_id)


@pytest.mark.integration
def test_a_code_opens_once_and_wrong_ones_run_out(desk: Desk) -> None:
    request_id = opened(desk)
    code = desk.challenge(request_id, by="anna")
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    with pytest.raises(WrongCodeError, match=f"{TRIES - 1} tries"):
        desk.answer(request_id, wrong)
    found = desk.answer(request_id, f" {code[:4]}-{code[4:]} ")
    assert (found.state, found.case.identified_by) == (State.IDENTIFIED, "one-time code")
    with pytest.raises(ForbiddenTransitionError):
        desk.answer(request_id, code)

    other = opened(desk)
    for _ in range(CHALLENGES):
        right = desk.challenge(other, by="anna")
        for left in reversed(range(TRIES)):
            with pytest.raises(WrongCodeError, match=f"{left} tries"):
                desk.answer(other, "not a code")
        with pytest.raises(ForbiddenTransitionError):
            desk.answer(other, right)
    with pytest.raises(ForbiddenTransitionError, match="limit to codes"):
        desk.challenge(other, by="anna")
    assert desk.attest(other, by="ben", reason="seen at the counter").state is State.IDENTIFIED


@pytest.mark.integration
def test_a_code_belongs_to_its_request_and_to_its_day(desk: Desk, clock: Clock) -> None:
    first, second = opened(desk), opened(desk)
    code, _ = desk.challenge(first, by="anna"), desk.challenge(second, by="anna")
    with pytest.raises(WrongCodeError, match="wrong"):
        desk.answer(second, code)
    _, kept = store.load(desk.conn, first)
    assert kept.code_hash is not None
    assert code.encode() not in kept.code_hash
    clock.pass_by(hours=24)
    with pytest.raises(WrongCodeError, match="time was over"):
        desk.answer(first, code)


@pytest.mark.integration
def test_more_than_one_percent_waits_for_another_person(desk: Desk) -> None:
    request_id = opened(desk)
    desk.attest(request_id, by="ben", reason="seen at the counter")
    found = desk.assess(
        request_id, lambda _: {"ml.predictions": Reach(2, 100), "raw.system_logs": Reach(1, 100)}, by="anna"
    )
    assert found.state is State.AWAITING_APPROVAL
    assert store.events(desk.conn, request_id)[-1].detail["large"] == ["ml.predictions"]
    for actor in ("anna", "ben"):
        with pytest.raises(ForbiddenTransitionError, match="vouched"):
            desk.approve(request_id, by=actor, reason="looks right")
    assert desk.approve(request_id, by="chris", reason="looks right").state is State.APPROVED


def test_one_percent_is_not_more_than_one_percent() -> None:
    assert large_tables({"a": Reach(1, 100), "b": Reach(2, 199), "c": Reach(0, 0), "d": Reach(1, 1)}) == ["b", "d"]


@pytest.mark.integration
def test_rows_are_counted_in_every_registered_table(database: Database) -> None:
    with database.connect("erasure") as conn:
        conn.execute(
            "insert into ml.predictions select 'm', 1, date '2024-01-01' + n, "
            "case when n < 3 then 'u_1' else 'u_2' end, 0.5, 'published', now() from generate_series(1, 10) n"
        )
        reach = count_reach(conn, {"raw": [SUBJECT], "keyed": ["u_1"]})
        assert reach["ml.predictions"] == Reach(2, 10)
        assert reach["raw.system_logs"] == Reach(0, 0)
        assert not {"ml.training_subjects", "features.ftr_user_weekly"} & set(reach)


@pytest.mark.integration
def test_time_is_extended_once_and_in_time(desk: Desk, clock: Clock) -> None:
    first, second = opened(desk), opened(desk)
    assert desk.extend(first, by="anna", reason="many tables").due_on == date(2024, 4, 30)
    with pytest.raises(ForbiddenTransitionError, match="once"):
        desk.extend(first, by="anna", reason="even more")
    clock.at = clock.at.replace(month=3, day=1)
    with pytest.raises(IncompleteRequestError, match="before it is due"):
        desk.extend(second, by="anna", reason="forgotten")
    desk.refuse(second, by="anna", reason="manifestly unfounded")
    assert [request.request_id for request in store.find(desk.conn, only_open=True)] == [first]


@pytest.mark.parametrize(
    ("received", "due", "extended"),
    [
        ("2024-01-31", "2024-02-29", "2024-04-30"),
        ("2023-11-30", "2023-12-30", "2024-02-29"),
        ("2024-12-31", "2025-01-31", "2025-03-31"),
    ],
)
def test_a_month_is_a_month(received: str, due: str, extended: str) -> None:
    day = date.fromisoformat(received)
    assert (due_on(day), due_on(day, is_extended=True)) == (date.fromisoformat(due), date.fromisoformat(extended))


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_month_is_never_longer_than_a_month(day: date) -> None:
    assert timedelta(28) <= due_on(day) - day <= timedelta(31)
    assert timedelta(89) <= due_on(day, is_extended=True) - day <= timedelta(92)


@pytest.mark.integration
def test_steps_without_words_and_reasons_with_the_person_are_refused(desk: Desk) -> None:
    request_id = opened(desk)
    for by, reason in (("", "why"), ("anna", " ")):
        with pytest.raises(IncompleteRequestError):
            desk.refuse(request_id, by=by, reason=reason)
    with pytest.raises(SubjectInReasonError) as caught:
        desk.refuse(request_id, by="anna", reason=f"{SUBJECT.upper()} is a bot")
    assert SUBJECT not in str(caught.value)
    with pytest.raises(SubjectInReasonError):
        desk.open(Kind.ACCESS, SUBJECT, by="anna", reason=f"mail of {SUBJECT}.")
    with pytest.raises(IncompleteRequestError, match="id of the person"):
        desk.open(Kind.ACCESS, " ", by="anna", reason="mail")
    with pytest.raises(UnknownRequestError, match="requests list"):
        desk.refuse("req-0", by="anna", reason="why")
    assert desk.refuse(request_id, by="anna", reason="user-47110 and user-471 are others").state is State.REFUSED


PLANTED = {
    "complete without a measurement": "state = 'complete', closed_at = now()",
    "complete with survivors": "state = 'complete', closed_at = now(), has_started = true, identified_by = 'b', "
    "is_large = false, n_survivors = 1, is_proven = true",
    "complete without proof": "state = 'complete', closed_at = now(), has_started = true, identified_by = 'b', "
    "is_large = false, n_survivors = 0",
    "work without identity": "state = 'in_progress', has_started = true, is_large = false",
    "large work without approval": "state = 'in_progress', has_started = true, identified_by = 'b', is_large = true",
    "approval by the opener": "approved_by = opened_by",
    "withdrawn after the start": "state = 'withdrawn', closed_at = now(), has_started = true, identified_by = 'b', "
    "is_large = false",
    "a state nobody knows": "state = 'done'",
    "a state without its event": "state = 'identity_check'",
}


@pytest.mark.integration
@pytest.mark.parametrize("fault", PLANTED)
def test_the_server_refuses_what_the_machine_would(desk: Desk, fault: str) -> None:
    request_id = opened(desk)
    statement = f"update privacy.privacy_requests set {PLANTED[fault]} where request_id = %s".encode()

    def plant() -> None:
        desk.conn.execute(statement, (request_id,))
        desk.conn.commit()

    with pytest.raises(psycopg.Error, match=r"privacy_requests|without an event"):
        plant()


@pytest.mark.integration
def test_what_happened_and_what_is_over_cannot_be_changed(database: Database, desk: Desk) -> None:
    request_id = opened(desk)
    desk.refuse(request_id, by="anna", reason="a duplicate")
    for statement in (
        "update privacy.request_events set actor = 'nobody'",
        "delete from privacy.request_events",
        "update privacy.privacy_requests set state = 'approved', closed_at = null",
    ):
        with pytest.raises(psycopg.Error, match=r"append-only|stays so"):
            desk.conn.execute(statement.encode())
        desk.conn.rollback()
    with database.connect("erasure") as conn:
        assert conn.execute("delete from privacy.privacy_requests").rowcount == 1
        assert conn.execute("select count(*) from privacy.request_events").fetchone() == (0,)
