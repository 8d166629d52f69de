"""The fixed rules by example and by law: a value never comes through as it was, and equal values stay equal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.anonymity.errors import InvalidConstraintError, UnknownColumnError
from privacy.anonymity.generalisation import RULES, generalise

LATE = datetime(2024, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))  # already February in UTC


@pytest.mark.parametrize(
    ("rule", "values", "wanted"),
    [
        ("age_decade", [0, 9, 37, 40, 120, -1, 121], ["0-9", "0-9", "30-39", "40-49", "120-129", None, None]),
        ("age_decade", [37.9, float("nan"), float("inf")], ["30-39", None, None]),
        ("salary_band", [0, 9_999.99, 52_300, -1], ["$0-$10000", "$0-$10000", "$50000-$60000", "$-10000-$0"]),
        ("salary_band", [None, float("nan")], [None, None]),
        ("zip_prefix", ["02139", "02139-4307", " 94107 "], ["021**", "021**", "941**"]),
        ("zip_prefix", ["941", "AB1 2CD", "", None], [None] * 4),
        ("zip_prefix", [2139, 94107, 123456], ["021**", "941**", None]),
        ("month", [date(2024, 3, 17), None], ["2024-03", None]),
        ("month", ["2024-03-17", "2024-03-17T10:00:00Z"], ["2024-03", "2024-03"]),
        ("month", ["17.3.2024", "2024-13-01", None], [None, None, None]),
    ],
)  # fmt: skip
def test_rules_by_example(rule: str, values: list[object], wanted: list[str | None]) -> None:
    made = generalise(pa.table({"x": pa.array(values), "other": range(len(values))}), {"x": rule})
    assert made["x"].to_pylist() == wanted
    assert made["other"].to_pylist() == list(range(len(values)))


def test_a_month_is_a_month_in_utc() -> None:
    moments = pa.array([LATE, LATE.astimezone(UTC)], pa.timestamp("us", "America/New_York"))
    assert generalise(pa.table({"x": moments}), {"x": "month"})["x"].to_pylist() == ["2024-02"] * 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 120)), max_size=30))
def test_a_decade_holds_its_ages_and_nothing_else(ages: list[int | None]) -> None:
    made = generalise(pa.table({"x": pa.array(ages, pa.int32())}), {"x": "age_decade"})["x"].to_pylist()
    for age, text in zip(ages, made, strict=True):
        assert (text is None) == (age is None)
        if age is not None and text is not None:
            low, high = map(int, text.split("-"))
            assert low <= age <= high == low + 9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=30))
def test_no_text_passes_a_rule_unchanged(texts: list[str | None]) -> None:
    for rule in ("zip_prefix", "month"):
        made = generalise(pa.table({"x": pa.array(texts, pa.string())}), {"x": rule})["x"].to_pylist()
        assert all(text is None or text != before for text, before in zip(made, texts, strict=True))


def test_dictionaries_and_all_null_columns_are_read() -> None:
    table = pa.table({"x": pa.array([30, 31, None]).dictionary_encode(), "y": pa.nulls(3)})
    made = generalise(table, {"x": "age_decade", "y": "zip_prefix"})
    assert made.to_pylist() == [{"x": "30-39", "y": None}] * 2 + [{"x": None, "y": None}]


def test_wrong_rules_and_columns_are_refused_without_their_values() -> None:
    table = pa.table({"x": ["secret-value"], "flag": [True]})
    with pytest.raises(InvalidConstraintError, match=", ".join(RULES)):
        generalise(table, {"x": "decade"})
    with pytest.raises(UnknownColumnError, match="no column 'z'"):
        generalise(table, {"z": "month"})
    with pytest.raises(UnknownColumnError) as caught:
        generalise(table, {"x": "age_decade"})
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
    with pytest.raises(UnknownColumnError, match="month"):
        generalise(table, {"flag": "month"})
