"""Bootstrap over subjects: how far a figure would move had other people been measured. No metrics here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

N_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with the bounds of its 95 % percentile interval (NaN where it is not defined)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def subject_counts(n_subjects: int, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Floats:
    """How often each subject is drawn: (n_resamples, n_subjects), every row sums to n_subjects.

    Rows of one subject stay together (cluster bootstrap, Davison & Hinkley 1997, section 3.8).
    """
    draws = np.random.default_rng(seed).integers(0, n_subjects, size=(n_resamples, n_subjects))
    offsets = np.arange(n_resamples)[:, None] * n_subjects
    flat = np.bincount((draws + offsets).ravel(), minlength=n_resamples * n_subjects)
    return flat.reshape(n_resamples, n_subjects).astype(np.float64)


def figure(value: float, resampled: Floats) -> Figure:
    """The value with the 2.5 and 97.5 percentiles of its resamples; a resample without both classes is left out."""
    defined = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or defined.size < resampled.size // 2:
        return Figure(float(value), float("nan"), float("nan"))
    low, high = np.percentile(defined, [2.5, 97.5])
    return Figure(float(value), float(low), float(high))


def encode(subjects: NDArray[np.object_]) -> tuple[Codes, int]:
    """Subjects as codes 0..n-1 in sorted order, so that the order of rows changes nothing."""
    unique, codes = np.unique(subjects.astype(str), return_inverse=True)
    return codes.astype(np.int64).ravel(), len(unique)
