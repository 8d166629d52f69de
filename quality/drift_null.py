"""How far an index of drift moves when nothing drifted: by sampling, and from window to window. No rows, no features.

Sampling alone gives the population stability index an expectation of (bins - 1)(1/n + 1/m), where it is a multiple of
a chi-square of bins - 1 degrees (Yurdakul and Naranjo 2020, J. Risk Model Validation 14(4)). Windows of one model
differ by more than that: weekdays, holidays, growth. What they differ by is estimated from the index of each window
against the others, as one more component of one degree of freedom; the sum is matched by Satterthwaite (1946,
Biometrics Bulletin 2:110), and judged by F because the scale is an estimate from few windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Null:
    """The index without drift: what is expected of it, and the degrees of freedom of numerator and denominator."""

    expected: float
    degrees: float
    degrees_of_scale: float

    def p_value(self, index: float) -> float:
        """The chance of an index at least as large without drift."""
        from scipy.stats import f

        return float(f.sf(index / self.expected, self.degrees, self.degrees_of_scale))

    def critical(self, p_value: float) -> float:
        """The index that is reached with this chance without drift."""
        from scipy.stats import f

        return float(self.expected * f.isf(p_value, self.degrees, self.degrees_of_scale))


def index_of(reference: Floats, current: Floats) -> float:
    """Population stability index of two counts per bin, (bins,); half a row a bin keeps an empty one finite."""
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * counts.size) for counts in (reference, current))
    return float(np.sum((p - q) * np.log(p / q)))


def null_of(windows: Floats, n_current: int, phases: NDArray[np.int64] | None = None, phase: int = 0) -> Null:
    """The null of a current window of n_current rows against the windows of its phase.

    windows: counts of the reference, (windows, bins); phases: which of them are alike by season, such as weekdays,
    (windows,). Every window says how far one moves from the others of its phase.
    """
    phases = np.zeros(len(windows), dtype=np.int64) if phases is None else phases
    alike = windows[phases == phase].sum(axis=0)
    bins = max(int(np.count_nonzero(windows.sum(axis=0))) - 1, 1)
    sampling = 1 / n_current + 1 / alike.sum()
    excesses = [_excess(windows[phases == p], bins) for p in np.unique(phases)]
    known = np.concatenate(excesses)
    between = max(float(known.mean()), 0.0) if known.size else 0.0
    mean = bins * sampling + between
    degrees = mean**2 / (bins * sampling**2 + between**2)
    return Null(mean, degrees, degrees * max(known.size, 1))


def _excess(windows: Floats, bins: int) -> Floats:
    """The index of each window against the others beyond what sampling makes of it; none of a single window."""
    pooled, sizes = windows.sum(axis=0), windows.sum(axis=1)
    if len(windows) < 2:
        return np.empty(0)
    indices = np.array([index_of(pooled - window, window) for window in windows])
    return np.asarray(indices - bins * (1 / sizes + 1 / (pooled.sum() - sizes)))


def adjusted(p_values: Floats) -> Floats:
    """Benjamini and Hochberg (1995): the share of false alarms that is accepted with each p value, (n,)."""
    order = np.argsort(p_values)
    scaled = p_values[order] * len(p_values) / np.arange(1, len(p_values) + 1)
    found = np.empty_like(p_values)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found
