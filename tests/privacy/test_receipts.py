"""Receipts: the standard's fields, the truth about each decision, and a signature that another machine can check."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from privacy.consent import Decision
from privacy.errors import (
    InvalidSignatureError,
    NothingDecidedError,
    UnreadableReceiptError,
    UntrustedSignerError,
)
from privacy.notices import Notice, ServedNotice
from privacy.receipts import CONTEXT, REQUIRED, Controller, consent_receipt, verify_receipt
from privacy.signing import sign, signer
from tests.privacy.events import START
from tests.privacy.test_signing import FixedKeys

CONTROLLER = Controller("Acme", "1 Example Way", "privacy@example.com", "DE", "https://example.com/privacy")
DAY = timedelta(days=1)
SHOWN = ServedNotice(7, "u1", Notice("analytics", 1, "en", "May we?", "ab" * 32, START), START, "/sign-up")
ASKED = Decision("u1", "analytics", "grant", START + DAY, START + DAY, "portal", "accept", served_notice_id=7)
DECISIONS = [
    Decision("u1", "model_training", "grant", START, START + DAY, "file", "import", "contract 7"),
    Decision("u1", "marketing", "withdraw", START, START, "browser", "gpc"),
    ASKED,
    Decision("u1", "analytics", "withdraw", START + 2 * DAY, START + 3 * DAY, "office", "api", recorded_by="desk"),
]


def receipt(decisions: list[Decision] = DECISIONS, byte: int = 1) -> dict[str, Any]:
    return consent_receipt("u1", decisions, [SHOWN], CONTROLLER, issued_at=START + 9 * DAY, keys=FixedKeys(byte))


def records(document: dict[str, Any]) -> dict[str, Any]:
    return {r["dpv:hasProcess"]["dpv:hasPurpose"]["dct:title"]: r for r in document["dpv:hasRecordOfActivity"]}


def test_every_record_has_the_fields_of_the_standard_and_known_prefixes() -> None:
    document = receipt()
    verify_receipt(document)
    assert document["@type"] == "dpv:ConsentReceipt"
    assert set(records(document)) == {"model_training", "marketing", "analytics"}
    for record in records(document).values():
        assert record["@type"] == "dpv:ConsentRecord"
        assert all(record[name] for name in REQUIRED)
        assert {"dpv:hasPersonalData", "dpv:hasStorageCondition", "dpv:hasRecipient"} <= set(record["dpv:hasProcess"])
    names = {name for name in _names(document) if ":" in name and not name.startswith(("urn:", "_:"))}
    assert {name.split(":")[0] for name in names} <= set(CONTEXT)


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        named = [name for key in ("@type", "@id") for name in [value.get(key, [])]]
        flat = [name for part in named for name in (part if isinstance(part, list) else [part])]
        return [
            *(key for key in value if not key.startswith("@")),
            *flat,
            *(n for v in value.values() for n in _names(v)),
        ]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []


def test_each_decision_is_told_as_what_it_was() -> None:
    events = {name: record["dpv:hasConsentStatus"] for name, record in records(receipt()).items()}
    assert [event["@type"] for event in events["analytics"]] == [
        ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
        ["dpv:ConsentWithdrawn"],
    ]
    assert events["marketing"][0]["@type"] == ["dpv:ConsentRefused"], "nothing was given, so nothing is withdrawn"
    assert events["model_training"][0]["dpv:isIndicatedBy"] == {"@id": "_:controller"}, "a file's owner vouches"
    assert events["analytics"][0]["dpv:isIndicatedBy"] == {"@id": "_:subject"}
    assert events["analytics"][1]["dpv:isIndicatedBy"]["dpv:isImplementedByEntity"]["dct:title"] == "desk"
    assert events["analytics"][1]["dpv:isIndicatedAtTime"] == "2024-03-03T12:00:00Z"
    assert events["analytics"][1]["dct:dateSubmitted"] == "2024-03-04T12:00:00Z"


def test_the_notice_shown_is_named_with_its_hash_and_one_not_shown_is_not_invented() -> None:
    found = records(receipt())
    (shown,) = found["analytics"]["dpv:hasNotice"]
    assert (shown["schema:sha256"], shown["dct:hasVersion"], shown["dct:language"]) == ("ab" * 32, "1", "en")
    assert found["analytics"]["dpv:hasConsentStatus"][0]["dpv:hasNotice"]["@id"] == shown["@id"]
    assert found["marketing"]["dpv:hasNotice"][0]["dct:language"] == "und"


def test_the_same_decisions_give_the_same_receipt_and_more_give_another() -> None:
    assert receipt() == receipt()
    assert receipt(DECISIONS[:3])["dct:identifier"] != receipt()["dct:identifier"]
    first = records(receipt(DECISIONS[:3]))["analytics"]["dct:identifier"]
    assert records(receipt())["analytics"]["dct:identifier"] == first, "a record keeps its name as events are added"


def test_a_receipt_of_nothing_is_refused() -> None:
    with pytest.raises(NothingDecidedError):
        receipt([])


def test_a_changed_foreign_or_incomplete_receipt_is_refused() -> None:
    document = json.loads(json.dumps(receipt()))
    document["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0]["@type"] = ["dpv:ConsentWithdrawn"]
    with pytest.raises(InvalidSignatureError):
        verify_receipt(document)
    verify_receipt(receipt(byte=2))
    with pytest.raises(UntrustedSignerError):
        verify_receipt(receipt(byte=2), [signer(FixedKeys(1))])
    with pytest.raises(UnreadableReceiptError, match="no consent receipt"):
        verify_receipt(sign({"a": 1}, FixedKeys()))
    bare = {name: value for name, value in receipt().items() if name != "signature"}
    del bare["dpv:hasRecordOfActivity"][1]["dpv:hasNotice"]
    with pytest.raises(UnreadableReceiptError, match="lacks dpv:hasNotice"):
        verify_receipt(sign(bare, FixedKeys()))


def test_another_process_verifies_a_file(tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt(), indent=2))
    code = "import json, sys; from privacy.receipts import verify_receipt as v; v(json.load(open(sys.argv[1])))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, file], check=True)


def test_a_purpose_with_another_name_for_its_person_gives_another_receipt() -> None:
    other = [replace(decision, subject="u2") for decision in DECISIONS]
    again = consent_receipt("u2", other, [], CONTROLLER, issued_at=START + 9 * DAY, keys=FixedKeys())
    assert again["dct:identifier"] != receipt()["dct:identifier"]
    assert records(again)["analytics"]["dct:identifier"] != records(receipt())["analytics"]["dct:identifier"]
