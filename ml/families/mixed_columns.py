"""Columns of figures and labels as figures, for linear models and for trees. Nothing is classified here.

Labels and edges are learned; of a label only what SharedValues keeps, of a figure only quantiles of all rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ml.families.terms import K_PEOPLE, People, SharedValues
from ml.intervals import Floats

OUTER = 0.01  # the outermost edges: the least and the greatest value are somebody's
PRIOR_PEOPLE = 20.0  # rows of the overall share that are added to each label's own


def is_figure(column: pd.Series) -> bool:
    """Whether a column holds numbers or truth values; everything else is a label."""
    return bool(pd.api.types.is_numeric_dtype(column))


class CurvedColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """For linear models: each shared label as 0 and 1, each figure as a curve of straight pieces between quantiles.

    A piece is 0 before its lower edge, 1 past its upper (piecewise linear encoding: Gorishniy et al., NeurIPS 2022).
    A missing figure counts as the median, with a column that says so.
    """

    def __init__(self, n_pieces: int = 8, k_people: int = K_PEOPLE) -> None:
        self.n_pieces = n_pieces
        self.k_people = k_people

    def fit(self, table: pd.DataFrame, y: object = None, people: People = None) -> CurvedColumns:  # noqa: ARG002
        """Learn labels, edges and medians; people (n,) says whose row each is, None: each somebody else's."""
        self.feature_names_in_ = np.asarray(table.columns, dtype=object)
        self.figures_ = [str(name) for name in table.columns if is_figure(table[name])]
        labels = [name for name in table.columns if name not in self.figures_]
        self.labels_ = SharedValues(self.k_people).fit(table[labels], people=people)
        values = {name: _known(table[name]) for name in self.figures_}
        self.medians_ = {name: float(np.median(known)) if len(known) else 0.0 for name, known in values.items()}
        self.edges_ = {name: self._edges(known) for name, known in values.items()}
        return self

    def transform(self, table: pd.DataFrame) -> Floats:
        """(n, features), all from 0 to 1. KeyError where a column is missing."""
        pieces = [self._pieces(name, _figures(table[name])) for name in self.figures_]
        return np.column_stack([*pieces, self.labels_.transform(table[list(self.labels_.feature_names_in_)])])

    def _edges(self, known: Floats) -> Floats:
        if not len(known):
            return np.zeros(1)
        return np.unique(np.quantile(known, np.linspace(OUTER, 1 - OUTER, self.n_pieces + 1)))

    def _pieces(self, name: str, values: Floats) -> Floats:
        is_missing = ~np.isfinite(values)
        filled, edges = np.where(is_missing, self.medians_[name], values), self.edges_[name]
        pieces = (filled[:, None] - edges[:-1]) / np.diff(edges)
        return np.column_stack([np.clip(pieces, 0.0, 1.0), is_missing])


class OrderedColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """For trees: figures as they are, NaN where missing; each label as its share of the positive class.

    With labels in that order the best split of two classes is one cut (Breiman et al. 1984, section 4.2). The share is
    drawn towards the overall one by PRIOR_PEOPLE rows; a label that is not shared, or missing, has the overall share.
    """

    def __init__(self, k_people: int = K_PEOPLE) -> None:
        self.k_people = k_people

    def fit(self, table: pd.DataFrame, y: NDArray[np.bool_], people: People = None) -> OrderedColumns:
        """Learn the shares from classes y (n,)."""
        self.feature_names_in_ = np.asarray(table.columns, dtype=object)
        self.figures_ = [str(name) for name in table.columns if is_figure(table[name])]
        labels = [name for name in table.columns if name not in self.figures_]
        shared = SharedValues(self.k_people).fit(table[labels], people=people)
        self.overall_ = float(np.mean(y))
        self.shares_ = {name: self._shares(table[name], kept, y) for name, kept in shared.labels_.items()}
        return self

    def transform(self, table: pd.DataFrame) -> Floats:
        """(n, columns), figures first. KeyError where a column is missing."""
        ordered = [
            table[name].map(dict(shares)).astype(np.float64).fillna(self.overall_).to_numpy(np.float64)
            for name, shares in self.shares_.items()
        ]
        columns = [*(_figures(table[name]) for name in self.figures_), *ordered]
        return np.column_stack(columns) if columns else np.zeros((len(table), 0))

    def _shares(self, column: pd.Series, kept: list[str], y: NDArray[np.bool_]) -> Mapping[str, float]:
        known = pd.DataFrame({"label": column.to_numpy(object), "class": np.asarray(y, dtype=np.float64)})
        sums = known[known["label"].isin(kept)].groupby("label")["class"].agg(["sum", "count"])
        shares = (sums["sum"] + PRIOR_PEOPLE * self.overall_) / (sums["count"] + PRIOR_PEOPLE)
        return {str(label): float(share) for label, share in shares.items()}


def _figures(column: pd.Series) -> Floats:
    values = column.to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _known(column: pd.Series) -> Floats:
    values = _figures(column)
    return values[np.isfinite(values)]
