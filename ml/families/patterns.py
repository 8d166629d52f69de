"""Patterns of success and failure among exchanges with an assistant: what they have in common, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.families.answers import LABELS, outcomes
from ml.families.terms import K_PEOPLE
from ml.intervals import Codes, Figure, Floats, encode

Mask: TypeAlias = NDArray[np.bool_]

FALSE_DISCOVERIES = 0.05
SURE_95 = 1.959964
BANDED = ("prompt_length", "prompt_complexity", "sentiment")
BANDS = ("low", "middle", "high")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Exchanges with some labels in common, and the share of them that went well beside that of all others.

    p_value: of a difference at least as large by chance; is_sure after Benjamini & Hochberg (1995) over all patterns.
    """

    labels: Mapping[str, str]
    n_people: int
    n_exchanges: int
    success_rate: Figure
    difference: Figure
    p_value: float
    is_sure: bool

    @property
    def is_failure(self) -> bool:
        """It goes worse than all else."""
        return self.difference.value < 0


def find_patterns(exchanges: pd.DataFrame, k_people: int = K_PEOPLE) -> tuple[Pattern, ...]:
    """Every label, band and pair of them that k_people people have in common, worst first.

    A pattern is left out too where what it leaves over, of all or of one of its labels, is of fewer than k_people
    people: the difference would tell of them. Intervals and p-values count people, not exchanges (cluster-robust
    variance of a ratio).
    """
    well, is_told = outcomes(exchanges)
    rows = exchanges[is_told].reset_index(drop=True)
    people, n_people = encode(rows["subject"].to_numpy(object))
    went = well[is_told].astype(np.float64)
    found = []
    for labels, mask, wholes in _groups(_labels(rows)):
        parts = [mask, *(whole & ~mask for whole in wholes)]
        if min(len(np.unique(people[part])) for part in parts) >= k_people:
            found.append(_pattern(labels, mask, went, people, n_people))
    return _sorted(found)


def _labels(rows: pd.DataFrame) -> pd.DataFrame:
    """The labels of exchanges, figures as bands at their terciles."""
    table: dict[str, NDArray[np.object_]] = {name: rows[name].to_numpy(object) for name in LABELS}
    for name in BANDED:
        values = rows[name].to_numpy(np.float64, na_value=np.nan)
        if np.isfinite(values).any():
            edges = np.nanquantile(values, [1 / 3, 2 / 3])
            banded = np.array(BANDS, dtype=object)[np.searchsorted(edges, values, side="left").clip(0, 2)]
            banded[~np.isfinite(values)] = None
            table[name] = banded
    return pd.DataFrame(table)


def _groups(table: pd.DataFrame) -> Iterator[tuple[dict[str, str], Mask, list[Mask]]]:
    """Labels in common, the rows that have them, and the rows that have all but one of them."""
    single = {
        (name, str(value)): (table[name] == value).fillna(value=False).to_numpy(np.bool_)
        for name in table.columns
        for value in sorted(table[name].dropna().unique(), key=str)
    }
    everything = np.ones(len(table), dtype=np.bool_)
    for (name, value), mask in single.items():
        yield {name: value}, mask, [everything]
    for (one, of_one), (other, of_other) in combinations(single.items(), 2):
        if one[0] != other[0]:
            yield dict([one, other]), of_one & of_other, [everything, of_one, of_other]


def _pattern(labels: dict[str, str], mask: Mask, went: Floats, people: Codes, n_people: int) -> Pattern:
    from scipy.stats import norm

    inside, outside = _influences(mask, went, people, n_people), _influences(~mask, went, people, n_people)
    rate, other = float(went[mask].mean()), float(went[~mask].mean())
    error, of_difference = (float(np.sqrt((part**2).sum())) for part in (inside, inside - outside))
    p_value = 2 * float(norm.sf(abs(rate - other) / of_difference)) if of_difference else 1.0
    return Pattern(
        labels, len(np.unique(people[mask])), int(mask.sum()), _interval(rate, error),
        _interval(rate - other, of_difference), p_value, False,
    )  # fmt: skip


def _influences(mask: Mask, went: Floats, people: Codes, n_people: int) -> Floats:
    """By how much each person moves the share of a part (n_people,)."""
    residuals = np.where(mask, went - went[mask].mean(), 0.0)
    return np.asarray(np.bincount(people, residuals, n_people) / mask.sum())


def _interval(value: float, error: float) -> Figure:
    return Figure(value, value - SURE_95 * error, value + SURE_95 * error)


def _sorted(found: list[Pattern]) -> tuple[Pattern, ...]:
    """With is_sure by Benjamini & Hochberg, from the largest loss to the largest gain."""
    p_values = np.sort([pattern.p_value for pattern in found])
    allowed = FALSE_DISCOVERIES * np.arange(1, len(found) + 1) / max(len(found), 1)
    passed = p_values[p_values <= allowed]
    limit = float(passed[-1]) if len(passed) else -1.0
    sure = [
        Pattern(p.labels, p.n_people, p.n_exchanges, p.success_rate, p.difference, p.p_value, p.p_value <= limit)
        for p in found
    ]
    return tuple(sorted(sure, key=lambda p: (p.difference.value, sorted(p.labels.items()))))
