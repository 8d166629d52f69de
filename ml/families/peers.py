"""What a company can learn of its peers: where it stands among them, and what the successful of them do. No grouping.

A peer group says something only if it has at least k companies beside the one that asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ml.families.terms import K_PEOPLE
from ml.intervals import Codes, Floats

FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True, slots=True)
class Practice:
    """A feature that a group's successful companies use more often than its others, and how sure that is."""

    group: int
    feature: str
    share_of_successful: float
    share_of_others: float
    n_companies: int
    p_value: float


def standing(rows: pd.DataFrame, groups: Codes, k_companies: int = K_PEOPLE) -> pd.DataFrame:
    """The share of its peers that each company exceeds in each column, ties half; NaN with too few peers.

    rows (n, d), groups (n,); a company needs k_companies peers. Same index and columns as rows.
    """
    found = pd.DataFrame(np.nan, index=rows.index, columns=rows.columns)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        if len(members) > k_companies:
            ranks = rows.iloc[members].rank(method="average") - 1
            found.iloc[members] = (ranks / (len(members) - 1)).to_numpy(np.float64)
    return found


def practices(
    uses: pd.DataFrame, is_successful: NDArray[np.bool_], groups: Codes, k_companies: int = K_PEOPLE
) -> tuple[Practice, ...]:
    """Features that successful companies of a group use surely more often: Fisher's exact test, one-sided.

    uses (n, features) of 0 and 1, is_successful (n,), groups (n,). Sure after Benjamini & Hochberg (1995) over all
    groups and features. A feature of fewer than k_companies users in a group is not looked at, nor a group with fewer
    successful or other companies. What goes with success need not be its cause.
    """
    found = [
        practice
        for group in np.unique(groups)
        for practice in _of_group(int(group), uses[groups == group], is_successful[groups == group], k_companies)
    ]
    limits = FALSE_DISCOVERIES * np.arange(1, len(found) + 1) / max(len(found), 1)
    ordered = sorted(found, key=lambda practice: practice.p_value)
    n_sure = max((at + 1 for at, one in enumerate(ordered) if one.p_value <= limits[at]), default=0)
    return tuple(ordered[:n_sure])


def recommended(uses: pd.DataFrame, groups: Codes, known: tuple[Practice, ...]) -> list[tuple[Practice, ...]]:
    """The practices of its group that each company (n,) does not have yet, the surest first."""
    return [
        tuple(one for one in known if one.group == group and not row[one.feature])
        for group, row in zip(groups.tolist(), uses.astype(bool).to_dict("records"), strict=True)
    ]


class FeatureGraph(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Companies as points of the company-feature graph: those that use the same features lie near each other.

    The leading singular vectors of the graph's normalised matrix (Dhillon, KDD 2001), less the trivial first. A company
    is placed by the features it uses, so the model holds vectors of features and none of companies; a feature that
    fewer than k_companies use is not in it.
    """

    def __init__(self, n_dimensions: int = 4, k_companies: int = K_PEOPLE) -> None:
        self.n_dimensions = n_dimensions
        self.k_companies = k_companies

    def fit(self, uses: pd.DataFrame, y: object = None) -> FeatureGraph:  # noqa: ARG002
        """Learn from how much each company uses each feature (n, features), none below 0."""
        shared = (uses > 0).sum(axis=0) >= self.k_companies
        self.features_ = [str(name) for name in uses.columns[shared]]
        weights = self._weights(uses)
        self.degrees_ = np.maximum(weights.sum(axis=0), 1e-12)
        matrix = _per_row_degree(weights, 0.5) / np.sqrt(self.degrees_)
        _, lengths, vectors = np.linalg.svd(matrix, full_matrices=False)
        kept = slice(1, 1 + min(self.n_dimensions, max(len(lengths) - 1, 0)))
        signs = np.sign(vectors[kept].sum(axis=1, keepdims=True))
        self.vectors_ = (vectors[kept] * np.where(signs == 0, 1.0, signs)).T / np.sqrt(self.degrees_)[:, None]
        return self

    def transform(self, uses: pd.DataFrame) -> Floats:
        """Each company at the weighted mean of its features (n, dimensions); at 0 without any. KeyError."""
        return np.asarray(_per_row_degree(self._weights(uses), 1.0) @ self.vectors_)

    def _weights(self, uses: pd.DataFrame) -> Floats:
        return np.asarray(np.log1p(uses[self.features_].to_numpy(np.float64)))


def _of_group(group: int, uses: pd.DataFrame, is_successful: NDArray[np.bool_], least: int) -> list[Practice]:
    from scipy.stats import fisher_exact

    sizes = int(is_successful.sum()), int((~is_successful).sum())
    if min(sizes) < least:
        return []
    found = []
    for name in uses.columns:
        used = uses[name].to_numpy() > 0
        yes, no = int(used[is_successful].sum()), int(used[~is_successful].sum())
        if yes + no >= least:
            table = [[yes, sizes[0] - yes], [no, sizes[1] - no]]
            p_value = float(fisher_exact(table, alternative="greater").pvalue)
            found.append(Practice(group, str(name), yes / sizes[0], no / sizes[1], sum(sizes), p_value))
    return found


def _per_row_degree(weights: Floats, power: float) -> Floats:
    degrees = weights.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weights, degrees**power, out=np.zeros_like(weights), where=degrees > 0))
