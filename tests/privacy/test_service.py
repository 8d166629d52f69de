"""PrivacyService over a real ledger and vault: yes, no, dismissed, GPC; dirty days; the receipt of it all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from privacy.collection_consent import blocked_subjects
from privacy.errors import InvalidDecisionError, UnknownPurposeError
from privacy.merging import merge
from privacy.purposes import PURPOSES
from privacy.receipts import verify_receipt
from privacy.service import PrivacyService
from privacy.signing import signer
from privacy.vault import Vault
from tests.privacy.events import START, event, store
from tests.privacy.test_receipts import CONTROLLER
from warehouse.database import Database

pytestmark = pytest.mark.integration


@dataclass
class Clock:
    """A clock that goes on by a second whenever it is read."""

    now: datetime = field(default=START + timedelta(days=1))

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def service(database: Database, tmp_path: Path) -> PrivacyService:
    return PrivacyService(lambda: database.connect("privacy"), Vault.open(tmp_path / "vault"), Clock())


def test_yes_and_no_with_the_words_that_were_shown(service: PrivacyService) -> None:
    shown = service.serve_notice("u1", "analytics", language="de", place="/sign-up")
    assert shown.notice.body == PURPOSES["analytics"].texts["de"]
    yes = service.update_consent(
        "u1", {"analytics": True}, source="portal", method="accept", served_notice_id=shown.served_notice_id
    )
    assert yes == 1
    assert service.update_consent("u1", {"analytics": False, "marketing": False}, source="portal", reason="spam") == 2
    current = service.get_consent("u1")
    assert (current["analytics"], current["marketing"], current["sharing"]) == ("withdraw", "withdraw", "none")
    assert [(d.purpose, d.decision, d.reason) for d in service.history("u1")] == [
        ("analytics", "grant", None),
        ("analytics", "withdraw", "spam"),
        ("marketing", "withdraw", "spam"),
    ]


def test_a_dismissed_notice_grants_nothing_and_takes_nothing(service: PrivacyService) -> None:
    service.update_consent("u1", {"marketing": True}, source="portal")
    for purpose in ("marketing", "analytics"):
        service.dismiss_notice(
            "u1", service.serve_notice("u1", purpose, language="en", place="banner").served_notice_id
        )
    assert service.get_consent("u1")["marketing"] == "grant"
    assert service.get_consent("u1")["analytics"] == "none"
    assert len(service.history("u1")) == 1


def test_gpc_withdraws_sharing_and_marketing_once_and_nothing_else(service: PrivacyService) -> None:
    service.update_consent("u1", {"marketing": True, "analytics": True}, source="portal")
    assert service.signal_gpc("u1", source="browser") == 2
    assert service.signal_gpc("u1", source="browser") == 0, "a signal with every page must not fill the ledger"
    current = service.get_consent("u1")
    assert (current["marketing"], current["sharing"], current["analytics"]) == ("withdraw", "withdraw", "grant")
    service.update_consent("u1", {"marketing": True}, source="portal", method="accept")
    assert service.signal_gpc("u1", source="browser") == 1


def test_what_cannot_be_recorded_leaves_nothing_behind(service: PrivacyService) -> None:
    for updates, method, error in (
        ({"analytics": True, "world_domination": True}, "save", UnknownPurposeError),
        ({"analytics": True}, "reject", InvalidDecisionError),
        ({"analytics": True}, "dismiss", InvalidDecisionError),
        ({"marketing": True}, "gpc", InvalidDecisionError),
    ):
        with pytest.raises(error):
            service.update_consent("u1", updates, source="portal", method=method)
    assert service.history("u1") == []


def test_a_withdrawal_stops_collection_at_once_and_makes_its_days_dirty(
    service: PrivacyService, database: Database
) -> None:
    with database.connect("collection") as conn:
        store(conn, [event(1), event(2, user_id="u2", created_at=START + timedelta(days=3))])
    with database.connect("privacy") as importer:
        assert blocked_subjects(importer, ["u1", "u2"], service.now()) == set()
        service.update_consent("u1", {"data_collection": False}, source="portal", method="reject")
        assert blocked_subjects(importer, ["u1", "u2"], service.now()) == {"u1"}
        dirty = importer.execute("select event_day, cause from privacy.dirty_days").fetchall()
    assert dirty == [(START.date(), "consent")]


def test_the_receipt_holds_every_decision_and_verifies(service: PrivacyService) -> None:
    shown = service.serve_notice("u1", "sharing", language="en", place="/settings")
    service.update_consent("u1", {"sharing": True}, source="portal", served_notice_id=shown.served_notice_id)
    service.update_consent("u1", {"sharing": False, "analytics": True}, source="portal")
    receipt = service.receipt("u1", CONTROLLER)
    verify_receipt(receipt, [signer(service.keys)])
    events = {
        record["dpv:hasProcess"]["dpv:hasPurpose"]["dct:title"]: len(record["dpv:hasConsentStatus"])
        for record in receipt["dpv:hasRecordOfActivity"]
    }
    assert events == {"sharing": 2, "analytics": 1}
    assert shown.notice.sha256 in str(receipt)


def test_ids_of_one_person_say_the_same_from_the_merge_on(service: PrivacyService) -> None:
    service.update_consent("u1", {"analytics": True, "marketing": True}, source="portal")
    service.update_consent("visitor", {"analytics": False}, source="banner")
    with service.connect() as conn:
        assert merge(conn, [("visitor", "u1")], by="anna", reason="two accounts", at=service.now()).n_merged == 1
    assert [service.get_consent(name)["analytics"] for name in ("u1", "visitor")] == ["withdraw", "withdraw"]
    assert service.get_consent("visitor")["marketing"] == "none"  # a merge grants nothing
    assert service.update_consent("visitor", {"analytics": True}, source="portal") == 2
    assert service.get_consent("u1")["analytics"] == "grant"
    last = service.history("u1")[-2]
    assert (last.source, last.recorded_by, last.reason) == (
        "identity merge", "anna", "another id of the same person had withdrawn",
    )  # fmt: skip
