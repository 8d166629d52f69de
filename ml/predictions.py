"""Churn probabilities of the newest cutoff, pending until their gate passed and published then. No training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml import churn
from ml.training_sets import discover_columns, read_rows

if TYPE_CHECKING:
    import psycopg

    from ml.registry import Registry


class NoChampionError(Exception):
    """There is no champion to score with."""


class NothingToScoreError(Exception):
    """The newest cutoff has no rows of people."""


class NothingPendingError(Exception):
    """There are no pending predictions of this version and cutoff to publish."""


@dataclass(frozen=True, slots=True)
class ScoredReport:
    """What was scored, without a value of a person: counts and the quantiles 0, .25, .5, .75, 1 of the probability."""

    model_name: str
    model_version: int
    cutoff_on: date
    n_rows: int
    n_bots_left_out: int
    quantiles: tuple[float, ...]


def score_champion(conn: psycopg.Connection[Any], registry: Registry, *, predicted_at: datetime) -> ScoredReport:
    """Score all humans of the newest cutoff with the champion; stored as pending, replacing an earlier try.

    Raises NoChampionError, or an ArtefactError where the champion's file is not what was registered.
    """
    version = registry.champion()
    if version is None:
        raise NoChampionError(f"{registry.name} has no champion; train a model that passes its gates first")
    pipeline = registry.load_version(version).pipeline
    rows = fetch_newest(conn, [str(name) for name in pipeline.feature_names_in_])
    humans = rows[~rows["is_bot"].to_numpy(bool)].reset_index(drop=True)
    scored = humans[["subject"]].assign(probability=churn.probabilities(pipeline, humans))
    cutoff_on = rows["cutoff_on"].iloc[0]
    write_pending(conn, registry.name, version, cutoff_on, scored, predicted_at)
    quantiles = tuple(float(q) for q in np.quantile(scored["probability"], [0, 0.25, 0.5, 0.75, 1]))
    return ScoredReport(registry.name, version, cutoff_on, len(scored), len(rows) - len(humans), quantiles)


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
    name: str,
    version: int,
    cutoff_on: date,
    scored: pd.DataFrame,
    predicted_at: datetime,
) -> None:
    """Replace the pending predictions of this version and cutoff, in one transaction; published ones stay."""
    key = [name, version, cutoff_on]
    with conn.transaction():
        conn.execute(
            "delete from ml.predictions"
            " where model_name = %s and model_version = %s and cutoff_on = %s and state = 'pending'",
            key,
        )
        statement = (
            "copy ml.predictions (model_name, model_version, cutoff_on, subject, probability, state, predicted_at)"
            " from stdin"
        )
        with conn.cursor().copy(statement) as copy:
            for subject, probability in zip(scored["subject"], scored["probability"], strict=True):
                copy.write_row((*key, subject, float(probability), "pending", predicted_at))
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
            raise NothingPendingError(
                f"version {version} of {registry.name} has scored nobody; score before publishing"
            )
        cutoff_on, n_pending, n_published = newest
        if n_pending:
            _exchange(conn, [registry.name, version, cutoff_on])
    conn.commit()
    return int(n_pending or n_published)


def _exchange(conn: psycopg.Connection[Any], key: list[Any]) -> None:
    of_key = "model_name = %s and model_version = %s and cutoff_on = %s"
    conn.execute(f"delete from ml.predictions where {of_key} and state = 'published'", key)
    conn.execute(f"update ml.predictions set state = 'published' where {of_key}", key)
