"""Drift of features and of the model's own scores between windows. Looks at rows of numbers only, never at subjects.

The population stability index (Siddiqi, Credit Risk Scorecards, 2006) says how far a feature moved; whether that is
more than it moves anyway is judged against the model's own training windows (quality/drift_null.py), over all features
at once (Benjamini-Hochberg). A feature has drifted where both hold: not by chance, and far enough to matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from numpy.typing import NDArray

from quality import suites
from quality.drift_null import Null, adjusted, index_of, null_of
from quality.gates import feature_columns

if TYPE_CHECKING:
    import pandas as pd

STABLE, DRIFTED, TOO_FEW_ROWS = "stable", "drifted", "too_few_rows"
WINDOW = "cutoff_on"
BINS = 10
ROWS_PER_BIN = 40  # fewer bins for small windows: ten of them would hide a shift in the noise of each

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """What counts as drift. false_alarms: the accepted share among alarms; floor: the index beyond what is expected.

    An alarm takes a drifted feature among the n_leading most important ones, or drifted ones that carry weight_floor of
    all importance. Under min_rows a side there is no verdict: sampling alone moves the index by 0.09 there.
    """

    bins: int = BINS
    min_rows: int = 200
    false_alarms: float = 0.05
    floor: float = 0.05  # a shift by a fifth of a standard deviation
    n_leading: int = 5
    weight_floor: float = 0.2


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: its index and p value (None under the least number of rows), the rows on both sides, the verdict.

    critical: the index that chance alone reaches once in twenty; importance: its share of the model's importance.
    """

    feature: str
    psi: float | None
    p_value: float | None
    critical: float | None
    importance: float
    n_reference: int
    n_current: int
    verdict: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The drift of every feature, in the order of the reference's columns."""

    features: tuple[FeatureDrift, ...]
    policy: DriftPolicy

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The features that drifted, most important first."""
        found = [feature for feature in self.features if feature.verdict == DRIFTED]
        return tuple(sorted(found, key=lambda feature: (-feature.importance, -(feature.psi or 0.0))))

    @property
    def weight(self) -> float:
        """The share of the model's importance that drifted features carry, 0..1."""
        total = sum(feature.importance for feature in self.features)
        return sum(feature.importance for feature in self.drifted) / total if total else 0.0

    @property
    def alarm(self) -> bool:
        """Whether what drifted matters to the model."""
        leading = sorted((f.importance for f in self.features if f.importance), reverse=True)[: self.policy.n_leading]
        return any(leading and f.importance >= leading[-1] for f in self.drifted) or (
            self.weight >= self.policy.weight_floor
        )


class MissingFeatureError(ValueError):
    """The current window lacks a feature that the reference has; rebuild the features or renew the reference."""


def drift_report(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    importance: Mapping[str, float] | None = None,
    policy: DriftPolicy | None = None,
) -> DriftReport:
    """The drift of each numeric column of `reference` (rows = subjects; cutoff_on in both tells windows). Pure.

    importance: of the columns to the model; without it all weigh the same. Raises MissingFeatureError.
    """
    policy = policy or DriftPolicy()
    names = [str(name) for name in reference.select_dtypes(["number", "bool"]).columns if name != WINDOW]
    if missing := sorted(set(names) - set(current.columns)):
        raise MissingFeatureError(
            f"the current window has no {', '.join(missing)}; rebuild the features or choose another reference"
        )
    weights = {name: max((importance or {}).get(name, 0.0 if importance else 1.0), 0.0) for name in names}
    sides = len(reference), len(current)
    if min(sides) < policy.min_rows:
        unknown = (FeatureDrift(name, None, None, None, weights[name], *sides, TOO_FEW_ROWS) for name in names)
        return DriftReport(tuple(unknown), policy)
    codes, season = _season(reference, current)
    counts = {name: _binned(*_columns(reference, current, name), codes, season, policy) for name in names}
    return report_of_counts(counts, season, weights, policy)


@dataclass(frozen=True, slots=True)
class Season:
    """The phase (weekday) of each reference window, and that of the current one. Only windows alike are compared."""

    phases: NDArray[np.int64]
    phase: int


def report_of_counts(
    counts: Mapping[str, tuple[Floats, Floats]], season: Season, weights: Mapping[str, float], policy: DriftPolicy
) -> DriftReport:
    """The drift of features whose rows are counted: name -> (rows per window and bin, rows per bin now). Pure.

    Every feature has the same rows in all, at least policy.min_rows on both sides.
    """
    judged = {name: _judge(windows, current, season) for name, (windows, current) in counts.items()}
    shares = adjusted(np.array([null.p_value(index) for index, null in judged.values()]))
    sides = {name: (int(windows.sum()), int(current.sum())) for name, (windows, current) in counts.items()}
    return DriftReport(
        tuple(
            FeatureDrift(name, index, null.p_value(index), null.critical(0.05), weights[name], *sides[name],
                         _verdict(index, null, share, policy))
            for (name, (index, null)), share in zip(judged.items(), shares, strict=True)
        ),
        policy,
    )  # fmt: skip


def bins_for(n_current: int, policy: DriftPolicy) -> int:
    """How many quantiles a window of n_current rows is judged in."""
    return min(policy.bins, max(n_current // ROWS_PER_BIN, 2))


def psi(reference: Floats, current: Floats, bins: int = BINS) -> float:
    """Population stability index of `current` against `reference`, both 1-d.

    Bins are quantiles of the reference; a value that fills whole quantiles (zero, a constant) and missing values get
    bins of their own. Half a row is added to every bin, so an empty one does not make the index infinite.
    """
    edges = bin_edges(reference, bins)
    return index_of(_counts(reference, edges), _counts(current, edges))


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
    """(reference, current) features of the table, one row per subject and cutoff_on, without subject or company."""
    names = feature_columns(conn)
    return _window(conn, names, reference_cutoffs), _window(conn, names, [current_cutoff])


def record_drift(
    conn: psycopg.Connection, report: DriftReport, *, run_key: str, cutoff_on: date, now: datetime
) -> None:
    """Write the report, one row a feature, in one transaction; one of the same run and cutoff is replaced."""
    with conn.cursor() as cursor:
        cursor.execute("delete from quality.drift_results where run_key = %s and cutoff_on = %s", (run_key, cutoff_on))
        cursor.executemany(
            "insert into quality.drift_results (run_key, evaluated_at, cutoff_on, feature, psi, p_value, threshold,"
            " importance, n_reference, n_current, verdict) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (run_key, now, cutoff_on, f.feature, f.psi, f.p_value, f.critical, f.importance, f.n_reference,
                 f.n_current, f.verdict)
                for f in report.features
            ],
        )  # fmt: skip
    conn.commit()


def _columns(reference: pd.DataFrame, current: pd.DataFrame, name: str) -> tuple[Floats, Floats]:
    return reference[name].to_numpy(np.float64), current[name].to_numpy(np.float64)


def _season(reference: pd.DataFrame, current: pd.DataFrame) -> tuple[NDArray[np.int64], Season]:
    """The window of each reference row as 0, 1, ..., by cutoff_on, and the season of the windows.

    All rows are one window where no column tells, and all days alike where none is like the current one.
    """
    if WINDOW not in reference.columns or WINDOW not in current.columns:
        return np.zeros(len(reference), dtype=np.int64), Season(np.zeros(1, dtype=np.int64), 0)
    days, codes = np.unique(reference[WINDOW].to_numpy().astype("datetime64[D]"), return_inverse=True)
    weekdays = days.astype(np.int64) % 7
    weekday = int(current[WINDOW].to_numpy().astype("datetime64[D]")[0].astype(np.int64) % 7)
    if weekday not in weekdays:  # no day like this one was learnt from
        weekdays, weekday = np.zeros_like(weekdays), 0
    return codes.astype(np.int64).ravel(), Season(weekdays, weekday)


def _binned(
    reference: Floats, current: Floats, codes: NDArray[np.int64], season: Season, policy: DriftPolicy
) -> tuple[Floats, Floats]:
    """Rows per window and bin of the reference (n_windows, n_bins), and per bin of the current window."""
    edges = bin_edges(reference, bins_for(current.size, policy))
    n_bins, n_windows = edges.size + 2, season.phases.size
    cells = codes * n_bins + _places(reference, edges)
    counts = np.bincount(cells, minlength=n_windows * n_bins).reshape(n_windows, n_bins).astype(np.float64)
    return counts, _counts(current, edges)


def _judge(windows: Floats, current: Floats, season: Season) -> tuple[float, Null]:
    """The index of a feature and what it would be without drift."""
    alike = windows[season.phases == season.phase].sum(axis=0)
    return index_of(alike, current), null_of(windows, int(current.sum()), season.phases, season.phase)


def _verdict(index: float, null: Null, share: float, policy: DriftPolicy) -> str:
    return DRIFTED if share <= policy.false_alarms and index - null.expected >= policy.floor else STABLE


def _counts(values: Floats, edges: Floats) -> Floats:
    """Rows per bin, the last bin holding the missing values."""
    return np.bincount(_places(values, edges), minlength=edges.size + 2).astype(np.float64)


def _places(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """The bin of each value; missing values are in the last one."""
    places = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), edges.size + 1, places).astype(np.int64)


def _window(conn: psycopg.Connection, names: Sequence[str], cutoffs: Sequence[date]) -> pd.DataFrame:
    import pyarrow as pa
    from psycopg import sql

    from warehouse.arrow import read_arrow

    query = sql.SQL("select {} from {} where cutoff_on = any({})").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in (WINDOW, *names)),
        sql.Identifier(*suites.FEATURES.split(".")),
        sql.Literal(list(cutoffs)),
    )
    schema = pa.schema([(WINDOW, pa.date32()), *((name, pa.float64()) for name in names)])
    frame: pd.DataFrame = pa.Table.from_batches(read_arrow(conn, query, schema), schema).to_pandas()
    return frame
