"""Tokens that keep a form beside plain keyed tokens: values a second by kind, and a batch through the kernel both ways.

python -m benchmarks.format_tokens [--rows 100000]

One core. Every value of the batch is distinct, which is the worst case: equal values are computed once a batch.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from privacy.format_tokens import tokens
from privacy.kernel import transform
from privacy.policy import CompiledPolicy, make_rule
from privacy.pseudonyms import Keyring

START = datetime(2026, 6, 1, tzinfo=UTC)
KEYRING = Keyring(b"p" * 32, b"a" * 32)
VALUES: dict[str, Callable[[int], str]] = {
    "email": lambda n: f'"user{n}@example{n % 9}.com"',
    "phone": lambda n: f'"+41 44 {n:07d}"',
    "ssn": lambda n: f'"{n:09d}"',
    "ip_address": lambda n: f'"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"',
    "id": lambda n: str(10**8 + n),
}
MOMENT = pa.timestamp("us", "UTC")


def by_kind(n_rows: int) -> dict[str, int]:
    """Values a second."""
    found = {}
    for kind, value in VALUES.items():
        values = [value(n) for n in range(n_rows)]
        began = time.perf_counter()
        made = tokens(kind, values, b"k" * 32)
        found[kind] = round(n_rows / (time.perf_counter() - began))
        if None in made:
            raise ValueError(f"a value of {kind} has no token")
    return found


def kernel(n_rows: int) -> dict[str, int]:
    """Rows a second of a batch with two such fields, ruled token or format."""
    batch = _batch(n_rows)
    days = pa.table({name: pa.array([], kind) for name, kind in DECISIONS})
    found = {}
    for treatment in ("token", "format"):
        rules = [make_rule("*", f"/data/{kind}", "pseudonymized", kind, treatment) for kind in ("email", "phone")]
        policy = CompiledPolicy.of(rules)
        began = time.perf_counter()
        transform(batch, policy, keyring=KEYRING, subject_tokens={}, decisions=days)
        found[f"rows_per_s_{treatment}"] = round(n_rows / (time.perf_counter() - began))
    return found


DECISIONS = (
    ("subject", pa.string()), ("purpose", pa.string()), ("decision", pa.string()), ("decided_at", MOMENT),
    ("received_at", MOMENT), ("consent_event_id", pa.int64()),
)  # fmt: skip


def _batch(n_rows: int) -> pa.Table:
    texts = {
        "event_type": "crm", "event_source": "web", "component": "c", "action": "a", "metadata": "{}",
        "data_classification": "non_personal", "source": "bench", "user_id": None, "persona_id": None,
        "company_id": None, "session_id": None, "client_info": None,
    }  # fmt: skip
    columns: dict[str, Any] = {name: pa.array([text] * n_rows, pa.string()) for name, text in texts.items()}
    columns["id"] = pa.array([f"e{n}" for n in range(n_rows)])
    columns["data"] = pa.array(
        [f'{{"email":{VALUES["email"](n)},"phone":{VALUES["phone"](n)}}}' for n in range(n_rows)]
    )
    moments = pa.array([START + timedelta(seconds=n % 80_000) for n in range(n_rows)], MOMENT)
    columns |= {"created_at": moments, "received_at": moments, "imported_at": moments}
    return pa.table(columns | {"event_day": moments.cast(pa.date32())})


def main() -> None:
    """Measure and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    n_rows = options.parse_args().rows
    print(json.dumps({"values_per_s": by_kind(n_rows), **kernel(n_rows)}))


if __name__ == "__main__":
    main()
