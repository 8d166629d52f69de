"""Consent given and withdrawn over time, per user and purpose. Stored by the ledger, not here."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator.population import Flags, Ints

# Share of users who grant the purpose before their first event.
GRANTED: dict[str, float] = {
    "data_collection": 1.0,
    "analytics": 0.97,
    "personalization": 0.95,
    "model_training": 0.92,
    "sharing": 0.70,
    "marketing": 0.40,
    "osint_enrichment": 0.10,
}
WITHDRAWN = 0.05
_WITHDRAWABLE = ("analytics", "personalization", "model_training", "sharing")

CONSENT_SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("purpose", pa.string()),
        ("decision", pa.string()),
        ("decided_at", pa.timestamp("us", tz="UTC")),
        ("method", pa.string()),
        ("reason", pa.string()),
    ]
)


def make_consents(
    subjects: pa.StringArray, first_us: Ints, end_us: int, stays: Flags, rng: np.random.Generator
) -> pa.Table:
    """Decisions of the subjects [U], whose first event is at first_us (epoch microseconds), in order of time."""
    asked = first_us - ((10 + 590 * rng.random(len(first_us))) * 1e6).astype(np.int64)
    parts = []
    for purpose, share in GRANTED.items():
        grants = (rng.random(len(asked)) < share) | stays
        parts.append(_decisions(subjects, grants, purpose, "grant", asked, "accept"))
    leaves = (rng.random(len(asked)) < WITHDRAWN) & ~stays
    everything = rng.random(len(asked)) < 0.4
    later = first_us + (rng.random(len(asked)) * (end_us - first_us)).astype(np.int64)
    for purpose in _WITHDRAWABLE:
        withdraws = leaves & (everything | (purpose == "model_training"))
        parts.append(_decisions(subjects, withdraws, purpose, "withdraw", later, "save"))
    return pa.concat_tables(parts).sort_by([("decided_at", "ascending"), ("subject", "ascending")]).combine_chunks()


def _decisions(
    subjects: pa.StringArray, chosen: Flags, purpose: str, decision: str, at_us: Ints, method: str
) -> pa.Table:
    n = int(chosen.sum())
    columns = {
        "subject": pc.filter(subjects, pa.array(chosen)),
        "purpose": pa.repeat(purpose, n),
        "decision": pa.repeat(decision, n),
        "decided_at": pa.array(at_us[chosen]).cast(pa.timestamp("us", tz="UTC")),
        "method": pa.repeat(method, n),
        "reason": pa.repeat(f"simulated {decision}", n),
    }
    return pa.table(columns).cast(CONSENT_SCHEMA)
