"""Events, rules and a raw day for the privacy tests. No assertions here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pyarrow as pa

from warehouse.arrow import copy_arrow

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
MOMENT = pa.timestamp("us", "UTC")
TEXT = (
    "id",
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
    "session_id",
    "client_info",
    "source",
)
RULES = (
    ("page", "/data/plan", "non_personal", "category"),
    ("page", "/data/n_items", "non_personal", "count"),
    ("page", "/data/amount", "non_personal", "amount"),
    ("page", "/data/ok", "non_personal", "boolean"),
    ("page", "/data/email", "personal", "email"),
    ("page", "/data/phone", "personal", "phone"),
    ("page", "/data/ssn", "personal", "ssn"),
    ("page", "/data/card", "personal", "credit_card"),
    ("page", "/data/name", "personal", "full_name"),
    ("page", "/data/dob", "personal", "date_of_birth"),
    ("page", "/data/note", "personal", "free_text"),
    ("page", "/data/account", "pseudonymized", "id"),
    ("page", "/data/secret", "sensitive", "text"),
    ("page", "/data/device/os", "non_personal", "category"),
    ("page", "/data/exts/*", "non_personal", "category"),
    ("page", "/data/status/*", "non_personal", "count"),
    ("page", "/data/items/*/sku", "non_personal", "category"),
    ("page", "/client_info/ip", "personal", "ip_address"),
    ("page", "/metadata/version", "non_personal", "category"),
)


def rule_rows(rules: Sequence[tuple[str, str, str, str]] = RULES) -> list[dict[str, str]]:
    names = ("event_type", "path", "class", "kind")
    return [dict(zip(names, rule, strict=True)) | {"steward": "s", "reason": "test"} for rule in rules]


def event(number: int, data: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """One row of raw.system_logs; user u1 at START plus `number` minutes unless told otherwise."""
    created = fields.pop("created_at", START + timedelta(minutes=number))
    row: dict[str, Any] = {
        "id": f"e{number}",
        "user_id": "u1",
        "persona_id": None,
        "company_id": "acme",
        "event_type": "page",
        "event_source": "web",
        "component": "nav",
        "action": "view",
        "data": json.dumps(data or {}),
        "metadata": "{}",
        "data_classification": "non_personal",
        "session_id": None,
        "client_info": None,
        "source": "test",
        "created_at": created,
        "received_at": created,
        "event_day": created.date(),
    }
    return row | fields


def batch(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    fields = [(name, pa.string()) for name in TEXT]
    fields += [("created_at", MOMENT), ("received_at", MOMENT), ("imported_at", MOMENT), ("event_day", pa.date32())]
    return pa.Table.from_pylist([dict(row) for row in rows], pa.schema(fields))


def decisions(rows: Sequence[tuple[str, str, str, datetime, datetime]]) -> pa.Table:
    """Ledger rows (subject, purpose, decision, decided_at, received_at), numbered in order."""
    names = ("subject", "purpose", "decision", "decided_at", "received_at")
    numbered = [dict(zip(names, row, strict=True)) | {"consent_event_id": n} for n, row in enumerate(rows)]
    types = (pa.string(), pa.string(), pa.string(), MOMENT, MOMENT, pa.int64())
    return pa.Table.from_pylist(numbered, pa.schema(list(zip((*names, "consent_event_id"), types, strict=True))))


def granted(*subjects: str, purposes: Sequence[str] = ("analytics", "model_training", "sharing")) -> pa.Table:
    return decisions(
        [(s, p, "grant", START - timedelta(days=9), START - timedelta(days=9)) for s in subjects for p in purposes]
    )


def store(conn: psycopg.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write raw rows and their days as collection does."""
    table = batch(rows)
    prints = pa.array([hashlib.sha256(str(row).encode()).digest() for row in rows])
    table = table.append_column("fingerprint", prints)
    table = table.append_column("retention_policy", pa.array(["long_term"] * len(rows)))
    days: set[date] = set(table["event_day"].to_pylist())
    conn.execute("select raw.ensure_partitions(%s, %s)", (min(days), max(days)))
    copy_arrow(conn, "raw.system_logs", table)
    for day in days:
        conn.execute(
            "insert into raw.event_days select event_day, count(*), nextval('raw.event_day_version') "
            "from raw.system_logs where event_day = %s group by 1 "
            "on conflict (event_day) do update set n_events = excluded.n_events, version = excluded.version",
            (day,),
        )
    conn.commit()
