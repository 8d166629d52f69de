"""Churn-like rows made with numpy: behaviour that predicts leaving, bots that stay. Not the product simulator."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from ml.training_sets import Provenance, TrainingPolicy, TrainingSet, freeze

START = date(2022, 12, 26)  # a Monday that the default 28-day thinning keeps
AT = datetime(2024, 6, 1, tzinfo=UTC)


def frame(n_subjects: int = 400, n_cutoffs: int = 10, n_noise: int = 4, seed: int = 0) -> pd.DataFrame:
    """n_subjects x n_cutoffs rows with recency, tenure, activity and noise columns, and the label."""
    random = np.random.default_rng(seed)
    n = n_subjects * n_cutoffs
    subject = np.tile(np.arange(n_subjects), n_cutoffs)
    cutoff = np.repeat(np.arange(n_cutoffs), n_subjects)
    bot = subject % 20 == 0
    engagement = random.normal(size=n_subjects)[subject] + 0.5 * random.normal(size=n)
    recency = np.where(bot, 0.2, random.exponential(np.exp(2 - engagement)))
    events = np.where(bot, 500, random.poisson(np.exp(1.5 + engagement)))
    logit = -0.4 + 0.9 * np.log1p(recency) - 0.6 * np.log1p(events) - 2.0 * bot
    columns: dict[str, object] = {
        "cutoff_on": [START + timedelta(days=28 * int(i)) for i in cutoff],
        "subject": [f"s{i:06d}" for i in subject],
        "company": [f"c{i % 30:03d}" for i in subject],
        "is_bot": bot,
        "days_since_last_event": recency,
        "n_events_28d": events.astype(float),
        "tenure_days": cutoff * 28.0 + random.uniform(1, 300, n_subjects)[subject],
        **{f"noise_{i}": np.where(random.random(n) < 0.1, np.nan, random.lognormal(size=n)) for i in range(n_noise)},
        "is_churned": random.random(n) < 1 / (1 + np.exp(-logit)),
    }
    return pd.DataFrame(columns)


def provenance(**changes: object) -> Provenance:
    fields: dict[str, object] = {
        "dbt_manifest_hash": "d" * 64, "consent_snapshot": "c" * 64, "raw_partitions": ("2023-01", "2023-02"),
        "code_version": "0.1.0+test", "created_at": AT, "blinding_key": bytes(range(32)), **changes,
    }  # fmt: skip
    return Provenance(**fields)  # type: ignore[arg-type]


def training_set(rows: pd.DataFrame | None = None, policy: TrainingPolicy | None = None) -> TrainingSet:
    return freeze(frame() if rows is None else rows, policy or TrainingPolicy(), provenance())
