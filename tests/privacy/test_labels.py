"""Labels and keys are written by senders: what looks like somebody's value passes as neither."""

from __future__ import annotations

import pyarrow as pa
import pytest

from privacy import census, labels

TELLING = [
    "4000002646485186",
    "899-42-4315",
    "202 555 0167",
    "10.0.0.7",
    "fd00:db8:e486::1",
    "fe80::abcd:ef",
    "usr_55fe808c5182c585",
    "/users/12345",
    "2026-11-20",
    "ada@example.com",
]
WORDS = ["page_view", "http_404", "/api/v2/items", "checkout.step-3", "user:login", "std::vector", "p95_28d", "At noon"]


@pytest.mark.parametrize("text", TELLING)
def test_a_telling_label_does_not_pass(text: str) -> None:
    column, unsafe = labels.cleaned(pa.array(["open", text]), nullable=False)
    assert column.to_pylist() == ["open", labels.UNLABELLED]
    assert unsafe.tolist() == [False, True]


@pytest.mark.parametrize("text", TELLING)
def test_a_telling_key_is_not_written_down(text: str) -> None:
    assert census.segment(text) == census.UNSAFE_KEY


@pytest.mark.parametrize("text", WORDS)
def test_words_pass(text: str) -> None:
    assert labels.is_safe(text)


@pytest.mark.parametrize("text", ["page", "p95_latency_28d", "$set", "xmlns:a", "address_line_2"])
def test_field_names_are_written_down(text: str) -> None:
    assert census.segment(text) == text
