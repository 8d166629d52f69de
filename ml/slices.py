"""Metrics where they are weakest: the same model on parts of the test rows. Which parts is data, below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import Outcomes, ranking
from ml.intervals import Figure, Floats, figure, subject_counts


@dataclass(frozen=True, slots=True)
class Band:
    """Test rows cut into n_bands of equal size by the first of these columns that exists."""

    name: str
    columns: tuple[str, ...]
    n_bands: int = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """The model's metric (churn: AUC) on one part of the test rows."""

    name: str
    n_rows: int
    n_subjects: int
    n_positive: int
    figure: Figure


BANDS = (
    Band("tenure", ("tenure_days_365d", "tenure_days", "days_since_first_event", "account_age_days")),
    Band("activity", ("n_events_28d", "n_events_30d", "n_events_90d", "n_events", "n_active_days_90d")),
)


def slice_masks(test: pd.DataFrame, trained_subjects: frozenset[str]) -> dict[str, NDArray[np.bool_]]:
    """A mask (n_rows,) per slice: bands of BANDS, and subjects seen or unseen in training."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for band in BANDS:
        column = next((name for name in band.columns if name in test.columns), None)
        if column is not None:
            masks |= _band_masks(band, test[column].to_numpy(np.float64))
    seen = test["subject"].isin(trained_subjects).to_numpy(np.bool_)
    return masks | {"subjects seen in training": seen, "subjects unseen in training": ~seen}


def evaluate_slices(
    masks: dict[str, NDArray[np.bool_]], labels: NDArray[np.bool_], subjects: NDArray[np.object_], scores: Floats
) -> tuple[Slice, ...]:
    """AUC with its interval for every slice that has rows; undefined (NaN) where one class is missing."""
    return tuple(
        _evaluate(name, labels[mask], subjects[mask], scores[mask]) for name, mask in masks.items() if mask.any()
    )


def _evaluate(name: str, labels: NDArray[np.bool_], subjects: NDArray[np.object_], scores: Floats) -> Slice:
    outcomes = Outcomes.of(labels, subjects)
    point = ranking(outcomes, scores, np.ones((1, outcomes.n_subjects)))[0]
    spread = ranking(outcomes, scores, subject_counts(outcomes.n_subjects, 200))[0]
    return Slice(name, len(labels), outcomes.n_subjects, int(labels.sum()), figure(float(point[0]), spread))


def _band_masks(band: Band, values: Floats) -> dict[str, NDArray[np.bool_]]:
    known = values[np.isfinite(values)]
    if not known.size:
        return {}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, band.n_bands + 1)[1:-1]))
    part = np.searchsorted(edges, values, side="left")
    return {f"{band.name} band {i + 1} of {len(edges) + 1}": part == i for i in range(len(edges) + 1)}
