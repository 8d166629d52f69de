"""The 72 hours on a clock of our own: alarms at 24, 48 and 66 hours, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.breaches import clock, register
from privacy.breaches.register import Breach
from warehouse.database import Database

AWARE = datetime(2026, 6, 1, 9, tzinfo=UTC)


def breach(**fields: object) -> Breach:
    return Breach(1, "t", AWARE, "o", AWARE, {}, **fields)  # type: ignore[arg-type]


def after(hours: float) -> datetime:
    return AWARE + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("hours", "raised", "due"),
    [
        (0, (), []), (23.99, (), []), (24, (), [24]), (24, (24,), []), (47, (24,), []), (48, (24,), [48]),
        (66, (24, 48), [66]), (70, (), [24, 48, 66]), (500, (24, 48, 66), []), (70, (66,), [24, 48]),
    ],
)  # fmt: skip
def test_alarms_are_due_at_their_hours_and_once(hours: float, raised: tuple[int, ...], due: list[int]) -> None:
    assert clock.due_alarms(breach(alarms=raised), after(hours)) == due


def test_nobody_is_alarmed_about_what_is_told_or_closed() -> None:
    assert clock.due_alarms(breach(notified_at={"authority": AWARE}), after(70)) == []
    assert clock.due_alarms(breach(closed_at=AWARE), after(70)) == []
    assert clock.due_alarms(breach(notified_at={"subjects": AWARE}), after(25)) == [24]


@given(st.lists(st.floats(0, 200), min_size=1))
def test_however_often_and_late_somebody_looks_each_alarm_is_raised_once(looks: list[float]) -> None:
    raised: list[int] = []
    for hours in sorted(looks):
        raised += clock.due_alarms(breach(alarms=tuple(raised)), after(hours))
    assert raised == [hours for hours in (24, 48, 66) if max(looks) >= hours]


@pytest.mark.integration
def test_the_register_raises_each_alarm_once_for_all_who_watch(database: Database) -> None:
    with database.connect("privacy") as conn, database.connect("erasure") as other:
        number = register.open_breach(conn, "lost laptop", aware_at=AWARE, opened_by="officer", now=after(1))
        seen: list[tuple[int, int]] = []
        for hour in range(1, 100):
            for watcher in (conn, other):
                seen += [(alarm.hours, hour) for alarm in clock.raise_alarms(watcher, after(hour))]
        assert seen == [(24, 24), (48, 48), (66, 66)]
        assert register.load(conn, number).alarms == (24, 48, 66)
        alarm = register.history(conn, number)[-1]
        assert (alarm.kind, alarm.recorded_at) == ("alarm", after(66))


@pytest.mark.integration
def test_telling_the_authority_ends_the_alarms(database: Database) -> None:
    with database.connect("privacy") as conn:
        number = register.open_breach(conn, "t", aware_at=AWARE, opened_by="o", now=AWARE)
        assert [a.time_left for a in clock.raise_alarms(conn, after(30))] == [timedelta(hours=42)]
        register.record_notification(conn, number, "authority", reference="A-1", recorded_by="o", now=after(40))
        assert clock.raise_alarms(conn, after(100)) == []
