"""What a family states of itself: its metric beside a baseline's on the same rows, and the gates on it. No fitting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.gates import Comparison, PromotionPolicy, Verdict, beats_baseline
from ml.intervals import N_RESAMPLES, Figure, Floats, encode, figure, subject_counts


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """One family on held-out rows. gain is strong minus baseline, paired, over units (people, sessions or texts).

    guards are figures of the strong model that a policy may set floors to; chosen says what validation chose.
    """

    family: str
    metric: str
    strong_name: str
    baseline_name: str
    n_rows: int
    n_units: int
    strong: Figure
    baseline: Figure
    gain: Figure
    protocol: str
    guards: Mapping[str, Figure] = field(default_factory=dict)
    chosen: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def comparison(self) -> Comparison:
        """The gain as ml/gates.py reads it."""
        return Comparison(self.baseline_name, self.gain)

    def document(self) -> dict[str, Any]:
        """The result as JSON, for the record of a model version."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FamilyPolicy:
    """margin: what the lower bound of the gain exceeds; floors: the least value of the metric and of guards by name."""

    margin: float = 0.0
    floors: Mapping[str, float] = field(default_factory=dict)


def decide_family(result: FamilyResult, policy: FamilyPolicy) -> tuple[Verdict, ...]:
    """The family's gates. A floor on a figure that was not measured refuses, as does a figure that is not finite."""
    above = beats_baseline(result.comparison, PromotionPolicy(baseline_margin=policy.margin))
    return above, *(_floor(result, name, least) for name, least in policy.floors.items())


def paired(
    strong: Callable[[Floats], Floats], baseline: Callable[[Floats], Floats], n_units: int, seed: int = 0
) -> tuple[Figure, Figure, Figure]:
    """Strong, baseline and strong minus baseline with 95 % bootstrap intervals over units.

    Each callable gives its metric for each row of counts (r, n_units): (r,), on the same rows.
    """
    everyone, counts = np.ones((1, n_units)), subject_counts(n_units, N_RESAMPLES, seed)
    points = float(strong(everyone)[0]), float(baseline(everyone)[0])
    spread = strong(counts), baseline(counts)
    return (
        figure(points[0], spread[0]), figure(points[1], spread[1]),
        figure(points[0] - points[1], spread[0] - spread[1]),
    )  # fmt: skip


def mean_of(values: Floats, units: NDArray[np.object_]) -> Callable[[Floats], Floats]:
    """The mean of values (n,) as a metric of counts of units (n,); shares are means of 0 and 1."""
    codes, n_units = encode(units)
    sums = np.column_stack([np.bincount(codes, values, n_units), np.bincount(codes, minlength=n_units)])

    def metric(counts: Floats) -> Floats:
        totals = counts @ sums
        return np.asarray(totals[:, 0] / totals[:, 1])

    return metric


def mean_figure(values: Floats, units: NDArray[np.object_], seed: int = 0) -> Figure:
    """The mean of values (n,) with its interval over units (n,)."""
    metric, n_units = mean_of(values, units), len(np.unique(units.astype(str)))
    return figure(float(metric(np.ones((1, n_units)))[0]), metric(subject_counts(n_units, N_RESAMPLES, seed)))


def _floor(result: FamilyResult, name: str, least: float) -> Verdict:
    found = result.strong if name == result.metric else result.guards.get(name)
    value = None if found is None or not math.isfinite(found.value) else found.value
    text = f"{name} of {result.strong_name} is {found if found else 'not measured'}"
    return Verdict("metric_floor", value is not None and value >= least, value, least, text)
