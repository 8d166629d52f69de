"""Groups of companies that are alike: k-means, hierarchical or HDBSCAN, with how stable they are. No tables, no advice.

Takes one row of figures a company, each with at least k people behind it. What is kept are centres of at least k
companies and scales, never a company's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin

from ml.families.terms import K_PEOPLE
from ml.intervals import Codes, Figure, Floats, figure

METHODS = ("k-means", "hierarchical", "hdbscan")
FARTHEST = 4.0  # in scales from the median: one company alone does not stretch a group
STABLE = 0.8  # adjusted Rand index
SAFETY = 0.05  # what a choice must lie above STABLE, as the best of many is partly the luckiest
N_RESAMPLES = 50


class NotSharedError(Exception):
    """A row rests on fewer people than may be shown across companies."""


class NoGroupsError(Exception):
    """The companies fall into no two groups of at least k companies."""


class CompanyGroups(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Companies by their nearest centre; a group of fewer than k_companies has none, its members go to the next.

    method: one of METHODS; hierarchical is Ward's. hdbscan (Campello, Moulavi & Sander 2013) finds n_groups itself.
    Figures are centred at their median and scaled by their quartiles, after arcsinh, and cut at FARTHEST.
    """

    def __init__(
        self,
        method: str = "k-means",
        n_groups: int = 3,
        k_companies: int = K_PEOPLE,
        k_people: int = K_PEOPLE,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.n_groups = n_groups
        self.k_companies = k_companies
        self.k_people = k_people
        self.seed = seed

    def fit(self, rows: pd.DataFrame, n_people: Codes) -> CompanyGroups:
        """Learn from rows (n, d), one a company, and how many people stand behind each (n,).

        Raises NotSharedError, NoGroupsError.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        refuse_unshared(rows, n_people, self.k_people)
        self.columns_ = [str(name) for name in rows.columns]
        figures = _figures(rows, self.columns_)
        low, self.middle_, high = np.quantile(figures, [0.25, 0.5, 0.75], axis=0)
        spread = np.where(high > low, high - low, figures.std(axis=0))
        self.scale_ = np.where(spread > 0, spread / 1.349, 1.0)  # of a normal: its quartiles are 1.349 sd apart
        points = self.points(rows)
        with threadpool_limits(1):
            groups = self._groups(points)
        centres = [points[groups == at].mean(axis=0) for at in _large(groups, self.k_companies)]
        if len(centres) < 2:
            raise NoGroupsError(f"{len(rows)} companies fall into {len(centres)} groups of {self.k_companies} or more")
        self.centres_ = np.array(sorted(centre.tolist() for centre in centres))
        return self

    def predict(self, rows: pd.DataFrame) -> Codes:
        """The group of each row (n,), as a row of centres_. KeyError where a column is missing."""
        return np.asarray(self.distances(rows).argmin(axis=1), dtype=np.int64)

    def distances(self, rows: pd.DataFrame) -> Floats:
        """From each row to each centre, in scales: (n, groups). Large to all of them: like no other company."""
        return np.asarray(np.linalg.norm(self.points(rows)[:, None, :] - self.centres_[None, :, :], axis=2))

    def points(self, rows: pd.DataFrame) -> Floats:
        """The rows as they are compared (n, d)."""
        scaled = (_figures(rows, self.columns_) - self.middle_) / self.scale_
        return np.asarray(np.clip(scaled, -FARTHEST, FARTHEST))

    def similarity(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The cosine of each two companies' points (n, n), -1 to 1, named as the rows; 0 beside an ordinary one."""
        points = self.points(rows)
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        unit = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
        matrix = np.clip(unit @ unit.T, -1.0, 1.0)
        np.fill_diagonal(matrix, 1.0)
        return pd.DataFrame(matrix, index=rows.index, columns=rows.index)

    def _groups(self, points: Floats) -> Codes:
        """A group of each point (n,); -1: of none."""
        from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans

        n_groups = min(self.n_groups, len(points))
        makers: dict[str, Any] = {
            "k-means": KMeans(n_groups, n_init=10, random_state=self.seed),
            "hierarchical": AgglomerativeClustering(n_groups),
            "hdbscan": HDBSCAN(min_cluster_size=max(self.k_companies, len(points) // 30), copy=True),
        }
        return np.asarray(makers[self.method].fit_predict(points), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to group, how many groups it found, how stable they are, and how far apart (silhouette, -1 to 1)."""

    method: str
    n_groups: int
    stability: Figure
    silhouette: float


def stability(
    model: CompanyGroups, rows: pd.DataFrame, n_people: Codes, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Figure:
    """Mean adjusted Rand index of the groups of all companies with those made of a bootstrap of companies.

    Both models name all companies. The bounds are percentiles over bootstraps; a bootstrap that falls into no groups
    counts 0. Hubert & Arabie, Journal of Classification 2 (1985); bootstraps: Hennig, CSDA 52 (2007), 258-271.
    """
    from sklearn.base import clone
    from sklearn.metrics import adjusted_rand_score

    whole, chance, found = model.predict(rows), np.random.default_rng(seed), list[float]()
    for _ in range(n_resamples):
        drawn = chance.integers(0, len(rows), len(rows))
        try:
            other = clone(model).fit(rows.iloc[drawn], n_people[drawn]).predict(rows)
        except NoGroupsError:
            found.append(0.0)
        else:
            found.append(float(adjusted_rand_score(whole, other)))
    return figure(float(np.mean(found)), np.array(found))


def candidates(
    rows: pd.DataFrame,
    n_people: Codes,
    *,
    sizes: Sequence[int] = range(2, 9),
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> tuple[Candidate, ...]:
    """Every method at every size, hdbscan once, measured on the same bootstraps. Raises NotSharedError."""
    from sklearn.metrics import silhouette_score

    wanted = [(method, size) for method in METHODS for size in sizes if method != "hdbscan" or size == sizes[0]]
    found = []
    for method, size in wanted:
        try:
            model = CompanyGroups(method, size).fit(rows, n_people)
        except NoGroupsError:
            continue
        held = stability(model, rows, n_people, n_resamples=n_resamples, seed=seed)
        apart = float(silhouette_score(model.points(rows), model.predict(rows)))
        found.append(Candidate(method, size if method == "hdbscan" else len(model.centres_), held, apart))
    return tuple(found)


def most_telling(found: Sequence[Candidate], least: float = STABLE + SAFETY) -> Candidate:
    """The candidate of which the groups lie widest apart among those as stable as that. Raises NoGroupsError."""
    stable = [one for one in found if one.stability.value >= least]
    if not stable:
        best = max((one.stability.value for one in found), default=float("nan"))
        raise NoGroupsError(f"no grouping reaches an adjusted Rand index of {least:.2f}; the best has {best:.2f}")
    return max(stable, key=lambda one: one.silhouette)


def refuse_unshared(rows: pd.DataFrame, n_people: Codes, k_people: int = K_PEOPLE) -> None:
    """Raise NotSharedError where a row has fewer than k_people people behind it; which company it is stays unsaid."""
    if len(n_people) != len(rows):
        raise NotSharedError(f"{len(rows)} companies, {len(n_people)} counts of people; give one for each company")
    n_few = int((np.asarray(n_people) < k_people).sum())
    if n_few:
        raise NotSharedError(f"{n_few} of {len(rows)} companies have fewer than {k_people} people; leave them out")


def _figures(rows: pd.DataFrame, columns: list[str]) -> Floats:
    return np.asarray(np.arcsinh(np.nan_to_num(rows[columns].to_numpy(np.float64, na_value=np.nan))))


def _large(groups: Codes, least: int) -> NDArray[np.int64]:
    found, sizes = np.unique(groups[groups >= 0], return_counts=True)
    return np.asarray(found[sizes >= least], dtype=np.int64)
