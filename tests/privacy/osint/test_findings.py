"""Lines of a file of findings: what one must have, and what is refused without quoting it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from privacy.osint.errors import InvalidFindingError, InvalidSourceError, UnreadableFindingsError
from privacy.osint.findings import MOST_BYTES, Finding, checked_source, parsed, read
from privacy.osint.importing import newest, refusals

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "user_id": "ada", "kind": "profile", "finding": {"stars": 3}, "found_at": "2026-06-15T13:00:00+02:00",
}  # fmt: skip


def line(**changes: Any) -> bytes:
    return json.dumps(WHOLE | changes).encode()


def test_a_line_is_a_finding_at_a_moment_in_utc() -> None:
    assert parsed(line(), 1, NOW) == Finding("ada", "profile", b'{"stars":3}', NOW - timedelta(hours=1))
    assert "ada" not in repr(parsed(line(), 1, NOW))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"\n", "no JSON"),
        (b'{"user_id": "\\ud800", "kind": "k", "finding": 1, "found_at": ""}', "no JSON"),
        (b"[1]", "needs exactly"),
        (json.dumps(WHOLE | {"email": "secret@example.org"}).encode(), "needs exactly"),
        (json.dumps({k: v for k, v in WHOLE.items() if k != "kind"}).encode(), "needs exactly"),
        (line(user_id=" "), "user_id"),
        (line(user_id=7), "user_id"),
        (line(user_id="secret\0"), "user_id"),
        (line(kind="secret@example.org"), "kind"),
        (line(kind="Secret Name"), "kind"),
        (line(finding={}), "empty"),
        (line(finding=None), "empty"),
        (line(found_at="2026-06-01T00:00:00"), "found_at is no moment"),
        (line(found_at="0001-01-01T00:00:00+14:00"), "found_at is no moment"),
        (line(found_at=1), "found_at is no moment"),
        (line(found_at="2026-06-15T12:00:01Z"), "future"),
        (b'"' + b"x" * MOST_BYTES, "longer than"),
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number(text: bytes, said: str) -> None:
    with pytest.raises(InvalidFindingError, match=said) as caught:
        parsed(text, 4711, NOW)
    assert "4711" in str(caught.value)
    assert "secret" not in str(caught.value).lower()


def test_a_file_is_read_in_its_order_and_an_unusable_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "findings.jsonl"
    file.write_bytes(line() + b"\n" + line(user_id="bob"))
    assert [finding.user_id for finding in read(file, NOW)] == ["ada", "bob"]
    file.write_bytes(line() + b"\n\n")
    with pytest.raises(InvalidFindingError, match="line 2"):
        list(read(file, NOW))
    file.write_bytes(b"")
    for path, said in ((file, "is empty"), (tmp_path / "none", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(UnreadableFindingsError, match=said):
            list(read(path, NOW))


def test_a_source_has_a_name_that_is_nobodys() -> None:
    assert checked_source("public-records.v2") == "public-records.v2"
    for name in ("", "Git Hub", "ada@example.org", "4711", "a" * 64):
        with pytest.raises(InvalidSourceError):
            checked_source(name)


def test_who_did_not_agree_was_erased_or_is_told_of_too_late_is_refused() -> None:
    old = NOW - timedelta(days=90)
    findings = [Finding(user, "k", b"1", at) for user, at in (("a", NOW), ("b", NOW), ("c", NOW), ("a", old))]
    agreed = {("a", NOW), ("c", NOW), ("a", old)}
    reasons = refusals(findings, agreed, {"c"}, date(2026, 3, 18))
    assert reasons == [None, "no_consent", "erased", "past_term"]
    assert refusals(findings[3:], agreed, set(), None) == [None]


def test_of_one_kind_the_newest_counts_and_the_earlier_line_of_two_as_new() -> None:
    found = [Finding("a", "k", text, NOW + timedelta(days=n)) for text, n in ((b"1", 0), (b"2", 2), (b"3", 2))]
    assert [finding.content for finding in newest([*found, Finding("a", "other", b"4", NOW)])] == [b"2", b"4"]
