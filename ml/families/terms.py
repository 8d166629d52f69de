"""Terms of texts and values of columns that many people share, as features. What fewer people used is never kept.

Estimators here subclass scikit-learn's, so importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ml.intervals import Floats, encode

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

People: TypeAlias = NDArray[np.object_] | Sequence[str] | None
K_PEOPLE = 5  # as the dbt variable k_people: a contract of the marts that the artefacts keep too
WORDS = r"(?u)\b\w+\b"  # of one letter too: "i" and "a" tell intents apart


class NothingSharedError(Exception):
    """No term of the texts was used by enough people, so there is nothing that may be learned from them."""


def people_per_column(presence: csr_matrix, people: People) -> NDArray[np.int64]:
    """How many people have a value other than 0 in each column of (n, m): (m,).

    people: (n,) whose row it is; None counts every row as a person of its own.
    """
    from scipy.sparse import csr_matrix

    found = presence.astype(bool)
    if people is not None:
        codes, n_people = encode(np.asarray(people, dtype=object))
        shape = (n_people, len(codes))
        of_person = csr_matrix((np.ones(len(codes), dtype=np.int64), (codes, np.arange(len(codes)))), shape=shape)
        found = (of_person @ found.astype(np.int64)).astype(bool)
    return np.asarray(found.sum(axis=0), dtype=np.int64).ravel()


class SharedTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF of the terms that at least k_people people used, 1 + log of the counts, rows of length 1.

    analyzer: "word" or "char_wb" as in scikit-learn's CountVectorizer; shortest and longest bound a term's parts.
    No other term is kept, not even as a count: a name that four people wrote is not in the fitted object.
    """

    def __init__(self, analyzer: str = "word", shortest: int = 1, longest: int = 2, k_people: int = K_PEOPLE) -> None:
        self.analyzer = analyzer
        self.shortest = shortest
        self.longest = longest
        self.k_people = k_people

    def fit(self, texts: Sequence[str], y: object = None, people: People = None) -> SharedTerms:
        """Learn terms and weights; people (n,) says who wrote each text, None: each somebody else.

        Raises NothingSharedError.
        """
        self.fit_transform(texts, y, people)
        return self

    def fit_transform(self, texts: Sequence[str], y: object = None, people: People = None) -> csr_matrix:  # noqa: ARG002
        """The fitted texts as features: (n, terms)."""
        from sklearn.feature_extraction.text import TfidfTransformer

        counter = self._counter(None)
        counts = counter.fit_transform(texts)
        shared = people_per_column(counts, people) >= self.k_people
        if not shared.any():
            raise NothingSharedError(f"no term was used by {self.k_people} people; train on texts of more people")
        # Fitted on nothing: with its vocabulary given it learns nothing, and a first use changes nothing in it.
        self.counter_ = self._counter(counter.get_feature_names_out()[shared].tolist()).fit([""])
        self.weights_ = TfidfTransformer(sublinear_tf=True).fit(counts[:, shared])
        return self.weights_.transform(counts[:, shared])

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """(n, terms); a row of zeros where a text has no shared term."""
        return self.weights_.transform(self.counter_.transform(texts))

    def get_feature_names_out(self, _input: object = None) -> NDArray[np.object_]:
        """The kept terms, sorted."""
        return np.asarray(self.counter_.get_feature_names_out(), dtype=object)

    def _counter(self, vocabulary: list[str] | None) -> CountVectorizer:
        from sklearn.feature_extraction.text import CountVectorizer

        words = {"token_pattern": WORDS} if self.analyzer == "word" else {}
        span = (self.shortest, self.longest)
        return CountVectorizer(analyzer=self.analyzer, ngram_range=span, vocabulary=vocabulary, **words)


class SharedValues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns of labels as 0 and 1, one column for each label that at least k_people people have.

    All other labels, and missing ones, are zeros: a company or a template of four people is not in the fitted object.
    """

    def __init__(self, k_people: int = K_PEOPLE) -> None:
        self.k_people = k_people

    def fit(self, table: pd.DataFrame, y: object = None, people: People = None) -> SharedValues:  # noqa: ARG002
        """Learn which labels of each column are shared; none at all is no error: then there are no columns."""
        who = np.asarray(people if people is not None else np.arange(len(table)), dtype=object).astype(str)
        self.feature_names_in_ = np.asarray(table.columns, dtype=object)
        self.labels_ = {str(name): self._shared(table[name], who) for name in table.columns}
        return self

    def transform(self, table: pd.DataFrame) -> Floats:
        """(n, shared labels). KeyError where a column is missing."""
        found = [
            (table[name] == label).fillna(value=False).to_numpy(np.float64)
            for name, labels in self.labels_.items()
            for label in labels
        ]
        return np.column_stack(found) if found else np.zeros((len(table), 0))

    def get_feature_names_out(self, _input: object = None) -> NDArray[np.object_]:
        """`column is label` for each column made."""
        return np.array([f"{name} is {label}" for name, labels in self.labels_.items() for label in labels], object)

    def _shared(self, column: pd.Series[Any], people: NDArray[Any]) -> list[str]:
        owned = pd.DataFrame({"label": column.to_numpy(object), "person": people}).dropna()
        n_people = owned.groupby("label")["person"].nunique()
        return sorted(str(label) for label, n in n_people.items() if n >= self.k_people)
