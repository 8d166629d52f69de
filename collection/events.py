"""The log event: its fields, its enumerations and its fingerprint. Pure; storing is not its business."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

DATA_CLASSIFICATIONS = ("non_personal", "pseudonymized", "personal", "sensitive")
RETENTION_POLICIES = ("transient", "short_term", "medium_term", "long_term")
ENUMERATIONS = {"data_classification": DATA_CLASSIFICATIONS, "retention_policy": RETENTION_POLICIES}

MAX_TEXT_BYTES = 1_024  # a PostgreSQL index row holds 2,704 bytes; (source, id) must fit

TEXT_FIELDS = (
    "id",
    "user_id",
    "persona_id",
    "company_id",
    "event_type",
    "event_source",
    "component",
    "action",
    "data_classification",
    "retention_policy",
    "session_id",
)
JSON_FIELDS = ("data", "metadata", "client_info")
REQUIRED_FIELDS = ("id", "event_type", "event_source", "action", "data_classification", "retention_policy")
TIME_FIELDS = ("created_at", "received_at")
EVENT_FIELDS = (*TEXT_FIELDS, *JSON_FIELDS, *TIME_FIELDS)

# Order of the canonical content; changing it changes every fingerprint.
CONTENT_FIELDS = (
    "user_id",
    "persona_id",
    "company_id",
    "event_type",
    "event_source",
    "component",
    "action",
    "data",
    "metadata",
    "data_classification",
    "retention_policy",
    "session_id",
    "client_info",
    "created_at",
)


def fingerprint(content: Sequence[Any]) -> bytes:
    """SHA-256 of an event's content in the order of CONTENT_FIELDS.

    JSON fields are given as JSON text with sorted keys and created_at as microseconds since 1970-01-01 UTC.
    The id, the source and the time of receipt are left out: the same event delivered twice has one fingerprint.
    """
    return sha256(orjson.dumps(tuple(content))).digest()


def fingerprints(columns: Sequence[Iterable[Any]]) -> list[bytes]:
    """The fingerprint of every row of the columns, which are given in the order of CONTENT_FIELDS."""
    return [sha256(text).digest() for text in map(orjson.dumps, zip(*columns, strict=True))]


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware time."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
