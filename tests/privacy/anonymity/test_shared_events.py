"""Events for insight across companies: every class has five people, and detail is given up in a fixed order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.shared_events import QUASI_IDENTIFIERS, protect_shared_events

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("anonymous_id", "company", "event_type", "event_source", "component", "action")]
    + [("data", pa.string()), ("occurred_hour", pa.timestamp("us", "UTC")), ("event_day", pa.date32())]
)
Row = dict[str, Any]


def event(n: int, **changed: Any) -> Row:
    """An event at ten, by the person of its number."""
    row: Row = {
        "anonymous_id": f"a{n:03}",
        "company": "c",
        "event_type": "ui",
        "event_source": "web",
        "component": "nav",
    }
    row |= {"action": "click", "data": '{"plan":"pro"}', "occurred_hour": datetime(2024, 3, 1, 10, tzinfo=UTC)}
    return row | {"event_day": date(2024, 3, 1), "person": f"p{n}"} | changed


def protect(rows: list[Row]) -> tuple[list[Row], int]:
    """The kept rows as Python."""
    people = pa.array([row["person"] for row in rows], pa.string())
    kept, n_suppressed = protect_shared_events(pa.Table.from_pylist(rows, schema=SCHEMA), people)
    assert kept.schema == SCHEMA
    return kept.to_pylist(), n_suppressed


def test_five_people_who_did_the_same_are_kept_as_they_are() -> None:
    rows = [event(n) for n in range(5)]
    kept, n_suppressed = protect(rows)
    assert n_suppressed == 0
    assert kept == [{name: row[name] for name in SCHEMA.names} for row in rows]
    assert protect(rows[:4]) == ([], 4)
    assert protect([event(n, person="p1") for n in range(9)]) == ([], 9), "nine events of one person"
    assert protect([event(n, person=None) for n in range(9)]) == ([], 9), "events that are nobody's"


def test_detail_is_given_up_in_its_order_and_only_where_needed() -> None:
    unlike = [event(n, data=f'{{"n":{n}}}') for n in range(5)]
    assert {(row["data"], row["occurred_hour"].hour) for row in protect(unlike)[0]} == {("{}", 10)}
    hours = [event(n, occurred_hour=datetime(2024, 3, 1, n, tzinfo=UTC)) for n in range(5)]
    assert {(row["occurred_hour"].hour, row["component"]) for row in protect(hours)[0]} == {(0, "nav")}
    components = [event(n, component=f"part{n}") for n in range(5)]
    assert {(row["component"], row["company"]) for row in protect(components)[0]} == {(None, "c")}
    companies = [event(n, company=f"c{n}") for n in range(5)]
    assert {row["company"] for row in protect(companies)[0]} == {None}
    assert protect([event(n, action=f"do{n}") for n in range(5)]) == ([], 5)
    mixed, n_suppressed = protect([event(n) for n in range(5)] + [event(7, action="rare")])
    assert ({row["company"] for row in mixed}, len(mixed), n_suppressed) == ({"c"}, 5, 1)


ROWS = st.lists(
    st.builds(
        lambda n, person, company, component, hour, data, day: event(
            n, person=person, company=company, component=component, data=data,
            occurred_hour=datetime(2024, 3, day, hour, tzinfo=UTC), event_day=date(2024, 3, day),
        ),
        st.integers(0, 999), st.one_of(st.none(), st.sampled_from([f"p{n}" for n in range(9)])),
        st.sampled_from(["c", "d", None]), st.sampled_from(["nav", "board", None]), st.integers(0, 3),
        st.sampled_from(["{}", '{"a":1}']), st.integers(1, 2),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_every_class_of_what_is_kept_has_five_people(rows: list[Row]) -> None:
    owners: dict[str, set[str | None]] = {}
    for n, row in enumerate(rows):
        row["anonymous_id"] = f"a{n:03}"
    kept, n_suppressed = protect(rows)
    assert len(kept) + n_suppressed == len(rows)
    of_id = {row["anonymous_id"]: row["person"] for row in rows}
    for row in kept:
        owners.setdefault(str([row[name] for name in QUASI_IDENTIFIERS]), set()).add(of_id[row["anonymous_id"]])
    assert all(len(people - {None}) >= 5 for people in owners.values())
    days = {row["anonymous_id"]: row["event_day"] for row in rows}
    alone = [
        protect([row for row in rows if row["event_day"] == day])[0] for day in (date(2024, 3, 1), date(2024, 3, 2))
    ]
    together = sorted((row for part in alone for row in part), key=lambda row: row["anonymous_id"])
    assert kept == together, "days do not depend on each other; the order of rows stays"
    assert all(days[row["anonymous_id"]] == row["event_day"] for row in kept)
