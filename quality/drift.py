"""Drift of features between windows by the population stability index. Looks at features only, never at subjects.

PSI after Siddiqi, Credit Risk Scorecards (2006): sum over bins of (p - q) ln(p / q); above 0.2 the population has
shifted. Below 200 rows a side sampling alone moves it by (bins - 1)(1/n + 1/m) = 0.09, so there is no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from numpy.typing import NDArray

from quality import suites
from quality.gates import feature_columns

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
THRESHOLD = 0.2
MIN_ROWS = 200
STABLE, DRIFTED, TOO_FEW_ROWS = "stable", "drifted", "too_few_rows"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: its PSI (None under the least number of rows), the rows on both sides, and the verdict."""

    feature: str
    psi: float | None
    n_reference: int
    n_current: int
    verdict: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The drift of every feature, in the order of the reference's columns."""

    features: tuple[FeatureDrift, ...]
    threshold: float
    min_rows: int

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The features beyond the threshold, worst first."""
        found = [feature for feature in self.features if feature.verdict == DRIFTED]
        return tuple(sorted(found, key=lambda feature: -(feature.psi or 0.0)))


class MissingFeatureError(ValueError):
    """The current window lacks a feature that the reference has; rebuild the features or renew the reference."""


def drift_report(
    reference: pd.DataFrame, current: pd.DataFrame, threshold: float = THRESHOLD, min_rows: int = MIN_ROWS
) -> DriftReport:
    """PSI of each numeric column of `reference` (rows = subjects). Pure. Raises MissingFeatureError."""
    names = [str(name) for name in reference.select_dtypes(["number", "bool"]).columns]
    if missing := sorted(set(names) - set(current.columns)):
        raise MissingFeatureError(
            f"the current window has no {', '.join(missing)}; rebuild the features or choose another reference"
        )
    return DriftReport(
        tuple(
            _feature(
                name, reference[name].to_numpy(np.float64), current[name].to_numpy(np.float64), threshold, min_rows
            )
            for name in names
        ),
        threshold,
        min_rows,
    )


def psi(reference: Floats, current: Floats, bins: int = BINS) -> float:
    """Population stability index of `current` against `reference`, both 1-d.

    Bins are quantiles of the reference; a value that fills whole quantiles (zero, a constant) and missing values get
    bins of their own. Half a row is added to every bin, so an empty one does not make the index infinite.
    """
    edges = bin_edges(reference, bins)
    p, q = _shares(reference, edges), _shares(current, edges)
    return float(np.sum((p - q) * np.log(p / q)))


def bin_edges(reference: Floats, bins: int = BINS) -> Floats:
    """Upper edges (inclusive) of all bins but the last."""
    known = reference[np.isfinite(reference)]
    if known.size == 0:
        return np.empty(0)
    quantiles = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    edges, counts = np.unique(quantiles, return_counts=True)
    atoms = edges[counts > 1]
    return np.unique(np.concatenate([edges, np.nextafter(atoms, -np.inf)]))


def fetch_feature_windows(
    conn: psycopg.Connection, reference_cutoffs: Sequence[date], current_cutoff: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(reference, current) features of the table, one row per subject and cutoff, without subject or company."""
    names = feature_columns(conn)
    return _window(conn, names, reference_cutoffs), _window(conn, names, [current_cutoff])


def record_drift(
    conn: psycopg.Connection, report: DriftReport, *, run_key: str, cutoff_on: date, now: datetime
) -> None:
    """Append the report, one row a feature, in one transaction."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into quality.drift_results (run_key, evaluated_at, cutoff_on, feature, psi, threshold,"
            " n_reference, n_current, verdict) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (run_key, now, cutoff_on, f.feature, f.psi, report.threshold, f.n_reference, f.n_current, f.verdict)
                for f in report.features
            ],
        )
    conn.commit()


def _feature(name: str, reference: Floats, current: Floats, threshold: float, min_rows: int) -> FeatureDrift:
    if min(reference.size, current.size) < min_rows:
        return FeatureDrift(name, None, reference.size, current.size, TOO_FEW_ROWS)
    index = psi(reference, current)
    return FeatureDrift(name, index, reference.size, current.size, DRIFTED if index > threshold else STABLE)


def _shares(values: Floats, edges: Floats) -> Floats:
    """Share of rows per bin, the last bin holding the missing values; smoothed by half a row a bin."""
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="left")
    counts = np.append(np.bincount(places, minlength=edges.size + 1), missing.sum()) + 0.5
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _window(conn: psycopg.Connection, names: Sequence[str], cutoffs: Sequence[date]) -> pd.DataFrame:
    import pyarrow as pa
    from psycopg import sql

    from warehouse.arrow import read_arrow

    query = sql.SQL("select {} from {} where cutoff_on = any({})").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in names),
        sql.Identifier(*suites.FEATURES.split(".")),
        sql.Literal(list(cutoffs)),
    )
    schema = pa.schema([(name, pa.float64()) for name in names])
    frame: pd.DataFrame = pa.Table.from_batches(read_arrow(conn, query, schema), schema).to_pandas()
    return frame
