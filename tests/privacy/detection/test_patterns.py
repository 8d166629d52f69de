"""Exact spans of every pattern kind, and texts that only look like one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.detection.findings import Field, Finding, resolved
from privacy.detection.patterns import find_patterns

# The part in «» is what has to be found.
FOUND = [
    ("email", "Write to «ada.lovelace+x@mail.example.co.uk», please"),
    ("email", "«zoë@exämple.de» asked"),
    ("url", "see (https://example.com/a_(b)?q=1), then call back".replace("https", "«https").replace("=1", "=1»")),
    ("url", "on «www.example.org/x» today."),
    ("url", "«ftp://files.example/x.zip».  Next"),
    ("ip_address", "blocked «203.0.113.7» again"),
    ("ip_address", "from «2001:db8:0:1::17» port 22"),
    ("ssn", "her SSN is «123-45-6789»."),
    ("ssn", "social security number «123456789» on file"),
    ("credit_card", "card «4111 1111 1111 1111» was declined"),
    ("credit_card", "charge «5555555555554444» twice"),
    ("iban", "to «DE89 3704 0044 0532 0130 00» by Monday"),
    ("iban", "«gb82west12345698765432» please"),
    ("phone", "ring «+44 20 7946 0958» now"),
    ("phone", "call me at «(555) 123-4567 x89» after six"),
    ("phone", "They answer at «001-668-040-8670»"),
    ("phone", "my mobile: «0431 19 97 94»"),
    ("phone", "Fax «51-16-34-25»"),
    ("date_of_birth", "born on «12 May 1984» in Lyon"),
    ("date_of_birth", "DOB: «1984-05-12»"),
    ("postal_address", "Deliver to «221 Baker Street, London» today"),
    ("postal_address", "«Hauptstraße 12, 10115 Berlin»"),
    ("secret", "use «AKIAIOSFODNN7EXAMPLE» there"),
    ("secret", "password: «hunter2!»"),
    ("secret", 'api_key = "«9f8aK2mZ0qLw7TnB4xYc»"'),
]


@pytest.mark.parametrize(("kind", "marked"), FOUND)
def test_every_kind_is_found_to_the_character(kind: str, marked: str) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    assert [(f.kind, f.start, f.end) for f in find_patterns(text)] == [(kind, start, end)]


@pytest.mark.parametrize(
    "text",
    [
        "order 20240517-0001 shipped",
        "invoice 4712 0815 1234 is due on 2024-05-17",
        "version 10.2.3.4 is out",
        "std::string at 12:30:45",
        "4111 1111 1111 1112 fails Luhn",
        "DE88 3704 0044 0532 0130 00 fails mod 97",
        "score 3-2, pages 12-15, 1999-2004",
        "the token is invalid and the password was wrong",
        "built in 1984, 250 g of flour",
        "@ada is not an address, nor is a@b",
        "customer number 5551234567",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert find_patterns(text) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("pid 5551234567 took 0431199794 us", []),
        ("phone=+14155550132 state=ringing", ["phone"]),
        ("caller: 4155550132", ["phone"]),
        ("rssi (4155550132) id 212-555-0147", []),
        ("sent sms to (415) 555-0132", ["phone"]),
        ("offset=4111111111111111116", []),
        ("pan=4111111111111111", ["credit_card"]),
    ],
)
def test_machine_fields_need_a_sign_or_a_cue(text: str, kinds: list[str]) -> None:
    assert [f.kind for f in find_patterns(text, Field.MACHINE)] == kinds


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="a@.:/-+() 019AKIé\n=_x'\"€", max_size=60), st.sampled_from(Field))
def test_spans_lie_in_the_text_in_order_and_apart(text: str, field: Field) -> None:
    found = find_patterns(text, field)
    assert all(0 <= f.start < f.end <= len(text) and 0 < f.confidence <= 1 for f in found)
    assert all(left.end <= right.start for left, right in pairwise(found))


def test_of_two_that_overlap_the_surer_one_stays() -> None:
    sure, unsure, apart = Finding("url", 0, 9, 0.9), Finding("email", 4, 12, 0.8), Finding("ssn", 12, 20, 0.1)
    assert resolved([apart, unsure, sure]) == [sure, apart]


@pytest.mark.parametrize("text", ["1" * 20_000, "1-" * 10_000, "a@" * 10_000, "Aa " * 7_000 + "1", "(" * 9_000 + "1"])
def test_hostile_texts_end(text: str) -> None:
    assert isinstance(find_patterns(text), list)
