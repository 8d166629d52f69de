"""Consent receipts: a person's decisions as signed JSON-LD that another machine can check. Pure but for the signature.

Structure: ISO/IEC TS 27560:2023 by the W3C DPV guide (https://w3id.org/dpv/guides/consent-27560): one consent record
per purpose, each with header, notice, processing, party and event fields, wrapped in a receipt.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from privacy.consent import Decision
from privacy.errors import NothingDecidedError, UnreadableReceiptError
from privacy.notices import ServedNotice
from privacy.purposes import PURPOSES, UNTIL_WITHDRAWAL, Purpose
from privacy.signing import PurposeKeys, digest, sign, verify

CONTEXT = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
}
RECEIPT_SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#receipt"
RECORD_SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#record"
LEGAL_BASES = {"consent": "eu-gdpr:A6-1-a"}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, RECORD_SCHEMA)
# What a consent record must have by clause 6.3 of the standard, in the terms of the guide's tables.
REQUIRED = (
    "dct:conformsTo", "dct:identifier", "dpv:hasDataSubject", "dpv:hasDataController", "dpv:hasJurisdiction",
    "dpv:hasProcess", "dpv:hasNotice", "dpv:hasConsentControl", "dpv:hasRight", "dpv:hasConsentStatus",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the data, as a receipt must name them. jurisdiction: ISO 3166 code; withdraw_at: where to."""

    name: str
    address: str
    contact: str
    jurisdiction: str
    withdraw_at: str


def consent_receipt(
    subject: str,
    decisions: Sequence[Decision],
    served: Sequence[ServedNotice],
    controller: Controller,
    *,
    issued_at: datetime,
    keys: PurposeKeys,
) -> dict[str, Any]:
    """The signed receipt of everything a person decided, one record per purpose that they decided about.

    decisions: in the order in which they count; served: the notices shown to them. The same input gives the same bytes.
    Raises NothingDecidedError.
    """
    if not decisions:
        raise NothingDecidedError("this person decided nothing yet, so there is nothing to give a receipt of")
    notices = {notice.served_notice_id: notice for notice in served}
    asked = dict.fromkeys(decision.purpose for decision in decisions)
    records = [
        _record(PURPOSES[name], [d for d in decisions if d.purpose == name], notices, controller) for name in asked
    ]
    identifier = str(uuid.uuid5(NAMESPACE, f"{subject}\n{_moment(issued_at)}\n{digest({'records': records})}"))
    receipt = {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{identifier}",
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": identifier,
        "dct:conformsTo": RECEIPT_SCHEMA,
        "dct:created": _moment(issued_at),
        "dct:publisher": {"@id": "_:controller"},
        "schema:recipient": {"@id": "_:subject"},
        "dpv:hasDataSubject": {"@id": "_:subject", "@type": "dpv:DataSubject", "dct:identifier": subject},
        "dpv:hasDataController": _party(controller),
        "dpv:hasRecordOfActivity": records,
    }
    return sign(receipt, keys)


def verify_receipt(document: Mapping[str, Any], trusted: Collection[str] | None = None) -> None:
    """Check a receipt by itself: signature, and every field that the standard requires. No vault, no network.

    Raises InvalidSignatureError, UntrustedSignerError (`trusted`: key ids), or UnreadableReceiptError.
    """
    if document.get("@type") != "dpv:ConsentReceipt" or document.get("dct:conformsTo") != RECEIPT_SCHEMA:
        raise UnreadableReceiptError(f"this is no consent receipt of {RECEIPT_SCHEMA}; pass the file that was issued")
    verify(document, trusted)
    records = document.get("dpv:hasRecordOfActivity")
    if not isinstance(records, list) or not {"dct:identifier", "dct:created"} <= set(document):
        raise UnreadableReceiptError("the receipt lacks its identifier, time or records; ask for a new one")
    for record in records:
        if missing := [name for name in REQUIRED if not isinstance(record, Mapping) or not record.get(name)]:
            raise UnreadableReceiptError(f"a record of the receipt lacks {', '.join(missing)}; ask for a new one")


def _record(
    purpose: Purpose, decisions: Sequence[Decision], notices: Mapping[int, ServedNotice], controller: Controller
) -> dict[str, Any]:
    identifier = str(uuid.uuid5(NAMESPACE, decisions[0].fingerprint().hex()))
    numbers = dict.fromkeys(d.served_notice_id for d in decisions if d.served_notice_id is not None)
    shown = [_notice(notices[number]) for number in numbers if number in notices]
    return {
        "@id": f"urn:uuid:{identifier}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": identifier,
        "dct:conformsTo": RECORD_SCHEMA,
        "dpv:hasDataSubject": {"@id": "_:subject"},
        "dpv:hasDataController": {"@id": "_:controller"},
        "dpv:hasJurisdiction": f"loc:{controller.jurisdiction}",
        "dpv:hasProcess": _process(purpose, controller),
        "dpv:hasNotice": shown or [_notice_unknown(purpose)],
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": controller.withdraw_at,
        },
        "dpv:hasRight": {
            "@type": ["dpv:DataSubjectRight", "eu-gdpr:A7-3"],
            "dct:title": "Right to withdraw consent",
            "dpv:isExercisedAt": controller.withdraw_at,
        },
        "dpv:hasConsentStatus": [_event(d, decisions[:n]) for n, d in enumerate(decisions)],
    }


def _process(purpose: Purpose, controller: Controller) -> dict[str, Any]:
    until = purpose.kept_for == UNTIL_WITHDRAWAL
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {"@type": purpose.concept, "dct:title": purpose.name, "dct:description": purpose.scope},
        "dpv:hasLegalBasis": LEGAL_BASES[purpose.legal_basis],
        "dpv:hasNecessity": "dpv:Required" if purpose.required else "dpv:Optional",
        "dpv:hasConsequence": f"if refused or withdrawn: {purpose.opt_out_impact}",
        "dpv:hasPersonalData": {"@type": "dpv:PersonalData", "dct:description": "events of the use of the product"},
        "dpv:hasDataSource": "dpv:DataSubjectDataSource",
        "dpv:hasRecipient": [{"@id": "_:controller"}],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": f"loc:{controller.jurisdiction}"},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {
                    "@type": "dpv:UntilEventDuration" if until else "dpv:TemporalDuration",
                    "rdf:value": purpose.kept_for,
                },
            },
        ],
    }


def _notice(served: ServedNotice) -> dict[str, Any]:
    notice = served.notice
    return {
        "@id": f"urn:lethe:served-notice:{served.served_notice_id}",
        "@type": "dpv:ConsentNotice",
        "dct:title": notice.purpose,
        "dct:hasVersion": str(notice.version),
        "dct:language": notice.language,
        "dct:issued": _moment(notice.published_at),
        "dct:date": _moment(served.served_at),
        "dct:spatial": served.place,
        "schema:sha256": notice.sha256,
        "dct:description": notice.body,
    }


def _notice_unknown(purpose: Purpose) -> dict[str, Any]:
    """The standard wants a notice; where none was recorded as shown, the receipt says so instead of naming one."""
    return {
        "@type": "dpv:ConsentNotice",
        "dct:title": purpose.name,
        "dct:language": "und",
        "dct:description": "not recorded: the decision came without a notice that was served by this system",
    }


def _event(decision: Decision, before: Sequence[Decision]) -> dict[str, Any]:
    event = {
        "@type": _status(decision, before),
        "dpv:isIndicatedAtTime": _moment(decision.decided_at),
        "dct:dateSubmitted": _moment(decision.received_at),
        "dpv:isIndicatedBy": _speaker(decision),
        "dpv:hasIndicationMethod": f"{decision.method} ({decision.source})",
        "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": "the next decision about this purpose"},
    }
    if decision.reason is not None:
        event["dpv:hasJustification"] = decision.reason
    if decision.served_notice_id is not None:
        event["dpv:hasNotice"] = {"@id": f"urn:lethe:served-notice:{decision.served_notice_id}"}
    return event


def _status(decision: Decision, before: Sequence[Decision]) -> list[str]:
    if decision.decision == "withdraw":
        given = any(earlier.decision == "grant" for earlier in before)
        return ["dpv:ConsentWithdrawn" if given else "dpv:ConsentRefused"]
    # A file's owner vouches for it; this system saw nobody express it.
    return ["dpv:ConsentGiven", "dpv:InformedConsent" if decision.method == "import" else "dpv:ExpressedConsent"]


def _speaker(decision: Decision) -> dict[str, Any]:
    if decision.method == "import":
        return {"@id": "_:controller"}
    if decision.recorded_by is None:
        return {"@id": "_:subject"}
    return {"@id": "_:subject", "dpv:isImplementedByEntity": {"@type": "dpv:Entity", "dct:title": decision.recorded_by}}


def _party(controller: Controller) -> dict[str, Any]:
    return {
        "@id": "_:controller",
        "@type": "dpv:DataController",
        "dpv:hasName": controller.name,
        "dpv:hasAddress": controller.address,
        "dpv:hasContact": controller.contact,
    }


def _moment(at: datetime) -> str:
    """ISO 8601 in UTC, as the standard wants event times."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
