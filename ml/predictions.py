"""Churn probabilities of the newest cutoff, pending until their gate passed and published then. No training."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml import churn
from ml.reasons import reason_codes
from ml.training_sets import discover_columns, read_rows

if TYPE_CHECKING:
    import psycopg
    from sklearn.pipeline import Pipeline

    from ml.registry import Registry


PURPOSE = "model_training"  # of the features that are scored: their dbt model states it


class NoChampionError(Exception):
    """There is no champion to score with."""


class NothingToScoreError(Exception):
    """The newest cutoff has no rows of people."""


class NothingPendingError(Exception):
    """There are no pending predictions of this version and cutoff to publish."""


@dataclass(frozen=True, slots=True)
class ScoredReport:
    """What was scored, without a value of a person: counts and the quantiles 0, .25, .5, .75, 1 of the probability.

    first_reasons: how many people have each code as their strongest reason, most first.
    """

    model_name: str
    model_version: int
    cutoff_on: date
    n_rows: int
    n_bots_left_out: int
    quantiles: tuple[float, ...]
    first_reasons: tuple[tuple[str, int], ...]


def score_champion(
    conn: psycopg.Connection[Any], registry: Registry, *, predicted_at: datetime, consent_basis: str
) -> ScoredReport:
    """Score all humans of the newest cutoff with the champion; stored as pending, replacing an earlier try.

    consent_basis: the snapshot of the consent ledger that the features stand on, as in a training set's manifest.
    Raises NoChampionError, or an ArtefactError where the champion's file is not what was registered.
    """
    version = registry.champion()
    if version is None:
        raise NoChampionError(f"{registry.name} has no champion; train a model that passes its gates first")
    pipeline = registry.load_version(version).pipeline
    rows = fetch_newest(conn, [str(name) for name in pipeline.feature_names_in_])
    humans = rows[~rows["is_bot"].to_numpy(bool)].reset_index(drop=True)
    scored = evidenced(pipeline, humans)
    cutoff_on = rows["cutoff_on"].iloc[0]
    write_pending(conn, (registry.name, version, cutoff_on), scored, predicted_at, consent_basis)
    quantiles = tuple(float(q) for q in np.quantile(scored["probability"], [0, 0.25, 0.5, 0.75, 1]))
    firsts = Counter(codes[0] for codes in scored["reason_codes"] if codes)
    n_bots = len(rows) - len(humans)
    return ScoredReport(registry.name, version, cutoff_on, len(scored), n_bots, quantiles, tuple(firsts.most_common()))


def evidenced(pipeline: Pipeline, rows: pd.DataFrame) -> pd.DataFrame:
    """Per row the subject, its probability, the digest of the features it was made from, and its reason codes."""
    columns = [str(name) for name in pipeline.feature_names_in_]
    return rows[["subject"]].assign(
        probability=churn.probabilities(pipeline, rows),
        feature_digest=feature_digests(rows, columns),
        reason_codes=pd.Series(reason_codes(pipeline, rows), index=rows.index, dtype=object),
    )


def feature_digests(rows: pd.DataFrame, columns: Sequence[str]) -> list[bytes]:
    """SHA-256 of the columns' names and of each row's values in them, (n,): the same features give the same digest.

    Values count as 64-bit floats in little-endian order, with one zero and one missing value.
    """
    names = hashlib.sha256("\n".join(columns).encode()).digest()
    values = rows[list(columns)].to_numpy("<f8") + 0.0
    values[np.isnan(values)] = np.nan
    return [hashlib.sha256(names + row.tobytes()).digest() for row in values]


def fetch_newest(conn: psycopg.Connection[Any], columns: list[str]) -> pd.DataFrame:
    """Features of the newest cutoff: keys and the named columns. NoChampionError where a column is gone."""
    gone = sorted(set(columns) - set(discover_columns(conn)))
    if gone:
        raise NoChampionError(f"the champion needs features that are gone: {', '.join(gone)}; train a new one")
    newest = "where f.cutoff_on = (select max(cutoff_on) from features.ftr_user_weekly)"
    rows = read_rows(conn, columns, "", newest)
    if rows["is_bot"].all():
        raise NothingToScoreError("features.ftr_user_weekly holds no person at its newest cutoff; run dbt build first")
    return rows


def write_pending(
    conn: psycopg.Connection[Any],
    key: tuple[str, int, date],
    scored: pd.DataFrame,
    predicted_at: datetime,
    consent_basis: str,
) -> None:
    """Replace the pending predictions of a model's version and cutoff, in one transaction; published ones stay."""
    with conn.transaction():
        conn.execute(
            "delete from ml.predictions"
            " where model_name = %s and model_version = %s and cutoff_on = %s and state = 'pending'",
            key,
        )
        statement = (
            "copy ml.predictions (model_name, model_version, cutoff_on, state, predicted_at, purpose, consent_basis,"
            " subject, probability, feature_digest, reason_codes) from stdin"
        )
        same = (*key, "pending", predicted_at, PURPOSE, consent_basis)
        with conn.cursor().copy(statement) as copy:
            for row in scored[["subject", "probability", "feature_digest", "reason_codes"]].itertuples(index=False):
                copy.write_row((*same, *row))
    conn.commit()


def publish_newest(conn: psycopg.Connection[Any], registry: Registry) -> int:
    """Publish the champion's pending predictions in place of the published ones of their cutoff; returns the rows.

    Publishing again changes nothing. Raises NothingPendingError when this version has scored nobody.
    """
    version = registry.champion()
    with conn.transaction():
        newest = conn.execute(
            "select cutoff_on, count(*) filter (where state = 'pending'), count(*) filter (where state = 'published')"
            " from ml.predictions where model_name = %s and model_version = %s"
            " group by cutoff_on order by cutoff_on desc limit 1",
            [registry.name, version],
        ).fetchone()
        if newest is None:
            who = f"version {version} of {registry.name}" if version else f"{registry.name} has no champion, so it"
            raise NothingPendingError(f"{who} has scored nobody; promote a version and score before publishing")
        cutoff_on, n_pending, n_published = newest
        if n_pending:
            _exchange(conn, [registry.name, version, cutoff_on])
    conn.commit()
    return int(n_pending or n_published)


def _exchange(conn: psycopg.Connection[Any], key: list[Any]) -> None:
    of_key = "model_name = %s and model_version = %s and cutoff_on = %s"
    conn.execute(f"delete from ml.predictions where {of_key} and state = 'published'", key)
    conn.execute(f"update ml.predictions set state = 'published' where {of_key}", key)
