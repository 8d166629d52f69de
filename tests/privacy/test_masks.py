"""Every mask against a plain Python oracle, on ordinary values and on whatever Hypothesis finds."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from privacy import masks
from tests.privacy import oracle

TEXTS = st.one_of(
    st.text(max_size=20),
    st.from_regex(r"[a-z.\"\\é]{0,8}@[a-z]{1,6}\.com", fullmatch=True),
    st.from_regex(r"\+?[0-9 ()-]{0,12}[0-9]{4}", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True),
    st.from_regex(r" {0,2}[A-Zé\"]?[a-z\\]{0,5}( {1,2}[A-Z][a-z]{1,5}){0,2} {0,2}", fullmatch=True),
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def masked(connection: duckdb.DuckDBPyConnection, kind: str, value: object) -> object:
    expression = masks.masked(kind, "x")
    text = json.dumps(value, ensure_ascii=False)
    found = connection.execute(
        f"select {expression or 'null'} from (select json_extract($1::json, '$.v')::varchar as x)", [f'{{"v": {text}}}']
    ).fetchone()
    return None if found is None or found[0] is None else json.loads(found[0])


@example(text="@\x07")  # short, though its JSON is not
@pytest.mark.parametrize("kind", oracle.MASKS)
@settings(max_examples=80, deadline=None)
@given(text=TEXTS)
def test_masks_equal_the_oracle(connection: duckdb.DuckDBPyConnection, kind: str, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert masked(connection, kind, text) == oracle.MASKS[kind](text)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("amount", 250.5, "100..1000"),
        ("amount", -1, "<0"),
        ("count", 3, "2..4"),
        ("count", 70, ">=50"),
        ("date", "2024-05-17", "2024-05"),
        ("timestamp", "2024-05-17T10:00:00Z", "2024-05"),
        ("date", "soon", None),
        ("email", 12, None),
        ("count", "three", None),
        ("free_text", "anything", None),
        ("ip_address", "2001:db8::1", None),
        ("category", "pro", None),
        ("boolean", True, None),
        ("email", ["a@b.com"], None),
        ("amount", {"v": 1}, None),
    ],
)
def test_generalisations_and_wrong_types(
    connection: duckdb.DuckDBPyConnection, kind: str, value: object, expected: object
) -> None:
    assert masked(connection, kind, value) == expected


@pytest.mark.parametrize("text", ["null", "nan", "inf", "infinity", '"true"', "1", "[true]", '{"e":true}'])
def test_only_true_and_false_are_boolean(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    expression = masks.passed("boolean", "x")
    found = connection.execute(
        f"select {expression} from (select unnest([$1, 'true', 'false']) as x)", [text]
    ).fetchall()
    assert found == [(None,), ("true",), ("false",)]


def test_every_kind_names_a_json_type_and_every_alias_a_kind() -> None:
    assert {mask.accepts for mask in masks.MASKS.values()} <= set(masks.ACCEPTS)
    assert set(masks.ALIASES.values()) <= set(masks.MASKS)
