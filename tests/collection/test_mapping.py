from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collection.columns import Rows, SessionState, arrange
from collection.errors import InputError, MappingError
from collection.expressions import values_at
from collection.mapping import Mapping, load_mapping, parse_mapping

NOW = datetime(2024, 6, 1, tzinfo=UTC)
BASE: dict[str, str] = {
    "id": "id",
    "event_type": "{constant: x}",
    "action": "{constant: y}",
    "created_at": "{timestamp: at}",
    "data_classification": "{constant: personal}",
    "retention_policy": "{constant: transient}",
}


def mapping(sections: str = "", **fields: str | None) -> Mapping:
    entries = "\n".join(f"  {name}: {value}" for name, value in (BASE | fields).items() if value is not None)
    return parse_mapping(f"source: s\nfields:\n{entries}\n{sections}")


def mapped(m: Mapping, *records: dict[str, Any]) -> Rows:
    whole = [{"id": str(i), "at": "2024-05-01T10:00:00Z"} | record for i, record in enumerate(records)]
    return arrange(whole, m, SessionState(), now=NOW)


@pytest.mark.parametrize(
    ("entry", "record", "value", "data"),
    [
        ("who", {"who": "u"}, "u", "{}"),
        ("who", {"who": 7}, "7", "{}"),
        ("who", {"who": True}, "true", "{}"),
        ("who.id", {"who": {"id": "u", "x": 1}}, "u", '{"who":{"x":1}}'),
        ("/who/a.b", {"who": {"a.b": "u"}}, "u", '{"who":{}}'),
        ("{field: who, optional: true}", {}, None, "{}"),
        ("{constant: u}", {"who": "v"}, "u", '{"who":"v"}'),
        ("{first: [a, b]}", {"a": None, "b": "u"}, "u", "{}"),
        ("{concat: [a, {text: '-'}, b]}", {"a": "x", "b": 1}, "x-1", "{}"),
        ("{concat: [a, b], separator: ':'}", {"a": "x", "b": None}, None, "{}"),
        ("{hash: [a]}", {"a": None}, None, '{"a":null}'),
    ],
)
def test_an_expression(entry: str, record: dict[str, Any], value: str | None, data: str) -> None:
    rows = mapped(mapping(user_id=entry), record)
    assert (rows.column("user_id"), rows.column("data")) == ([value], [data])


@pytest.mark.parametrize(
    ("entry", "stated", "received"),
    [
        ("{same_as: created_at}", None, "2024-05-01T10:00:00"),
        ("{timestamp: got}", "2024-05-03T08:00:00Z", "2024-05-03T08:00:00"),
        ("got", "2024-05-03T08:00:00Z", "2024-05-03T08:00:00"),
        ("{timestamp: {field: got, unit: s}}", 1_714_723_200, "2024-05-03T08:00:00"),
        ("{timestamp: got}", "2024-05-01T09:59:59Z", "2024-05-01T09:59:59"),  # a client's clock may be ahead
        ("{timestamp: got}", "2024-06-01T00:30:00Z", "2024-06-01T00:00:00"),  # after the import: the source's clock
        ("{timestamp: got}", None, "2024-06-01T00:00:00"),
        ("{timestamp: got}", "", "2024-06-01T00:00:00"),
    ],
)
def test_when_the_source_got_an_event(entry: str, stated: Any, received: str) -> None:
    rows = mapped(mapping(received_at=entry), {"got": stated})
    assert rows.faults == {}
    assert rows.arrow()["received_at"].to_pylist() == [f"{received}.000000Z".replace("T", " ")]


def test_a_delivery_again_is_the_same_event() -> None:
    m = mapping(received_at="{timestamp: got}")
    first, again = (
        mapped(m, {"got": got}).columns["fingerprint"] for got in ("2024-05-02T00:00Z", "2024-05-03T00:00Z")
    )
    assert first == again


@pytest.mark.parametrize("stated", ["soon", "2024-06-03T00:00:00Z", "1969-12-31T00:00:00Z"])
def test_a_receipt_that_cannot_be_is_refused(stated: str) -> None:
    rows = mapped(mapping(received_at="{timestamp: got}"), {"got": stated})
    assert [fault.path for fault in rows.faults.values()] == ["/got"]


def test_an_object_is_built_of_fields() -> None:
    m = mapping(client_info="{object: {ip: addr, agent: ua}}")
    rows = mapped(m, {"addr": "::1", "ua": None}, {})
    assert rows.column("client_info") == ['{"ip":"::1"}', None]


def test_a_pointer_steps_into_an_array() -> None:
    """RFC 6901: digits name an item; what is no array, or too short, has none."""
    path = ("pages", "0", "id")
    records: list[dict[str, Any]] = [
        {"pages": [{"id": "a"}]},
        {"pages": []},
        {"pages": {"0": {"id": "b"}}},
        {"pages": "c"},
    ]
    assert values_at(path, records) == ["a", None, "b", None]
    assert values_at(("pages", "first"), records) == [None, None, None, None]


def test_a_hash_is_stable_and_sees_every_field() -> None:
    m = mapping(id="{hash: '*'}")
    one, two, three = (mapped(m, record).column("id") for record in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}))
    assert one == two != three
    named = mapping(id="{hash: [a]}")
    assert mapped(named, {"a": 1, "b": 2}).column("id") == mapped(named, {"a": 1, "b": 3}).column("id")


@pytest.mark.parametrize(
    ("stamp", "value", "expected"),
    [
        ("{field: t, unit: ms}", 1_700_000_000_123, "2023-11-14T22:13:20.123000+00:00"),
        ("{field: t, unit: s}", "1700000000.5", "2023-11-14T22:13:20.500000+00:00"),
        ("{field: t, unit: ns}", 1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456+00:00"),
        ("{field: t, format: '%d.%m.%Y %H:%M'}", "14.11.2023 22:13", "2023-11-14T22:13:00+00:00"),
        ("t", "2023-11-14 22:13:20.1", "2023-11-14T22:13:20.100000+00:00"),
        ("t", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20+00:00"),
        ("t", "2023-11-14", "2023-11-14T00:00:00+00:00"),
    ],
)
def test_a_timestamp(stamp: str, value: object, expected: str) -> None:
    (moment,) = mapped(mapping(created_at=f"{{timestamp: {stamp}}}"), {"t": value}).column("created_at")
    assert datetime.fromtimestamp(moment // 10**6, UTC).replace(microsecond=moment % 10**6).isoformat() == expected


def test_sessions_break_at_the_gap_and_by_key() -> None:
    m = mapping(user_id="u", session_id="{session: {gap_minutes: 30, by: [user_id]}}")
    times = ("10:00", "10:30", "11:01", "10:59")
    rows = mapped(m, *({"u": "a", "at": f"2024-05-01T{t}:00Z"} for t in times), {"u": "b"}, {"u": None})
    a, b, c, d, other, nobody = rows.column("session_id")
    assert a == b != c
    assert c == d
    assert other not in (a, c)
    assert nobody is None


def test_a_value_of_another_enumeration_is_a_fault() -> None:
    rows = mapped(mapping(data_classification="c"), {"c": "secret"}, {"c": "sensitive"})
    assert (rows.column("data_classification"), rows.faults[0].code, rows.faults[0].path) == (
        ["sensitive"],
        "bad_enumeration",
        "/c",
    )


def test_sections_for_others_are_handed_on_and_change_no_digest() -> None:
    sections = "consent: {purposes: [analytics], reason: why}\nclassification: [{path: /data/x}]\ntraining: {a: 1}"
    m = mapping(sections)
    assert m.consent == {"purposes": ["analytics"], "reason": "why"}
    assert m.classification == [{"path": "/data/x"}]
    assert m.training == {"a": 1}
    assert m.digest == mapping().digest != mapping(user_id="u").digest
    assert mapping("identity: {alias: [a, b.c]}").aliases == (("a",), ("b", "c"))
    assert mapping("identity: {alias: a}").digest != mapping().digest


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("[]", "no YAML object"),
        ("a: [", "not YAML at line"),
        ("source: s", "fields: is missing"),
        ("fields: {}", "source: is missing"),
        ("source: s\nfields: {id: id}", "misses event_type, action"),
        ("source: s\nfields: {nope: x}", "unknown LogEvent field nope: known are id"),
        ("source: s\nfields: {data: x}", "fields.data cannot be mapped"),
        ("source: s\nfields: {imported_at: x}", "fields.imported_at cannot be mapped"),
        ("source: s\nfields: {}\nfield: {}", "unknown section field"),
        ("source: s\nfields: {}\nconsent: []", "misses"),
    ],
)
def test_a_broken_mapping_says_where(broken: str, message: str) -> None:
    with pytest.raises(MappingError, match=message) as caught:
        parse_mapping(broken, name="m.yaml")
    assert str(caught.value).startswith("m.yaml")
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(
    ("field", "entry", "message"),
    [
        ("user_id", "{frist: [a]}", "write a source field or one of"),
        ("user_id", "{constant: 5}", "a constant is a text"),
        ("user_id", "{timestamp: a}", "only created_at"),
        ("user_id", "{same_as: created_at}", "only created_at"),
        ("created_at", "{same_as: created_at}", "cannot repeat itself"),
        ("received_at", "{same_as: id}", "only created_at can be repeated"),
        ("received_at", "{constant: '2024-05-01'}", "write a source field, a timestamp"),
        ("user_id", "{session: {gap_minutes: 3, by: [id]}}", "belongs to session_id"),
        ("session_id", "{session: {gap_minutes: 0, by: [id]}}", "gap_minutes is a number above 0"),
        ("session_id", "{session: {gap_minutes: 3, by: [who]}}", "by: names LogEvent"),
        ("data_classification", "{constant: secret}", "none of non_personal"),
        ("created_at", "{timestamp: {field: a, unit: min}}", "unit is one of s, ms, us, ns"),
        ("created_at", "{timestamp: {feild: a}}", "unknown entry feild"),
        ("user_id", "{first: []}", "at least one entry"),
        ("client_info", "{object: {}}", "at least one member"),
    ],
)
def test_a_broken_entry_says_which(field: str, entry: str, message: str) -> None:
    with pytest.raises(MappingError, match=f"fields.{field}.*{message}"):
        mapping(**{field: entry})


def test_a_mapping_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "absent.yaml")


def test_seen_fields() -> None:
    m = mapping(user_id="{first: [a, b]}", company_id="{field: c, optional: true}", component="d")
    assert m.missing_in({("id",), ("at",), ("b",)}) == ["/d"]
