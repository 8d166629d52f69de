"""The intent of a prompt, or none of those known: one estimator from texts to intents. No templates, no tables.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.families.network import SparseNetwork
from ml.families.terms import K_PEOPLE, People, SharedTerms
from ml.intervals import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

OUT_OF_SCOPE = "out of scope"
VIEWS = (("word", 1, 2), ("char_wb", 2, 5))
SHARPNESS = 4.0  # of margins as probabilities
SEED = 20190521


class NoThresholdError(Exception):
    """No threshold keeps the accuracy asked for, so that prompts out of scope cannot be told."""


class IntentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Intents of texts by a linear support vector machine and a small network together, over shared terms.

    The softmax of margins times SHARPNESS counts as margin_share beside the network's probabilities. A text whose
    confidence is below threshold_, which `choose_threshold` sets on texts that no other step learned from, is
    OUT_OF_SCOPE; at first none is. Holds terms of k_people people, weights, and intents: no text.

    The defaults were chosen on a fifth of banking77's training part and CLINC's validation part: there the machine
    alone had .900 and .931, the network alone .921 and .936, both .922 and .938; with dropout .1 to .5 at a rate of
    .002 the network had .911 to .913 of banking77.
    """

    def __init__(
        self, penalty: float = 1.0, margin_share: float = 0.3, width: int = 256, epochs: int = 20,
        dropout: float = 0.5, k_people: int = K_PEOPLE,
    ) -> None:  # fmt: skip
        self.penalty = penalty
        self.margin_share = margin_share
        self.width = width
        self.epochs = epochs
        self.dropout = dropout
        self.k_people = k_people

    def fit(self, texts: Sequence[str], intents: Sequence[str], people: People = None) -> IntentClassifier:
        """Learn the intents (n,) of texts (n,); people (n,) says who wrote each, None: each somebody else.

        Raises terms.NothingSharedError; ValueError where there are not two intents.
        """
        from scipy.sparse import hstack
        from sklearn.svm import LinearSVC
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        labels = np.asarray(intents, dtype=str)
        self.views_ = [SharedTerms(*view, k_people=self.k_people) for view in VIEWS]
        rows = hstack([view.fit_transform(texts, people=people) for view in self.views_]).tocsr()
        machine = LinearSVC(C=self.penalty, random_state=SEED).fit(rows, labels)
        self.classes_ = machine.classes_
        # Two intents have one margin; as a column each, one rule serves any number.
        signs = np.array([[-0.5], [0.5]]) if len(machine.classes_) == 2 else np.eye(len(machine.classes_))
        self.margins_ = (signs @ machine.coef_).T.astype(np.float32)  # (terms, intents)
        self.offsets_ = signs @ machine.intercept_
        with threadpool_limits(1):
            network = SparseNetwork(self.width, self.epochs, dropout=self.dropout, seed=SEED)
            self.network_ = network.fit(rows, labels)
        self.threshold_ = 0.0
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """P(intent) in the order of classes_, as if the text had one of them: (n, intents)."""
        rows = self._rows(texts)
        margins = (np.asarray(rows @ self.margins_) + self.offsets_) * SHARPNESS
        odds = np.exp(margins - margins.max(axis=1, keepdims=True))
        by_margin, by_network = odds / odds.sum(axis=1, keepdims=True), self.network_.predict_proba(rows)
        return np.asarray(self.margin_share * by_margin + (1 - self.margin_share) * by_network)

    def confidence(self, texts: Sequence[str]) -> Floats:
        """How sure it is that a text has its likeliest intent (n,): 0 to 1."""
        return np.asarray(self.predict_proba(texts).max(axis=1))

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The likeliest intent (n,), OUT_OF_SCOPE where the confidence is below threshold_."""
        chances = self.predict_proba(texts)
        named = self.classes_[chances.argmax(axis=1)].astype(object)
        named[chances.max(axis=1) < self.threshold_] = OUT_OF_SCOPE
        return np.asarray(named, dtype=object)

    def choose_threshold(self, texts: Sequence[str], intents: Sequence[str], least_accuracy: float) -> IntentClassifier:
        """Set the highest threshold that leaves least_accuracy of these texts, which have intents, rightly named.

        Texts out of scope are not needed: how many a threshold finds is measured, not chosen. Raises NoThresholdError.
        """
        chances = self.predict_proba(texts)
        is_right = self.classes_[chances.argmax(axis=1)] == np.asarray(intents, dtype=str)
        self.threshold_ = highest_threshold(chances.max(axis=1), is_right, least_accuracy)
        return self

    def _rows(self, texts: Sequence[str]) -> csr_matrix:
        from scipy.sparse import hstack

        return hstack([view.transform(texts) for view in self.views_]).tocsr()


def highest_threshold(confidence: Floats, is_right: NDArray[np.bool_], least_accuracy: float) -> float:
    """The highest threshold at which the share of texts that are right and not below it is least_accuracy or more.

    confidence (n,) and is_right (n,) of texts in scope. Raises NoThresholdError where even no threshold leaves it.
    """
    right = np.sort(confidence[is_right])
    spare = len(right) - int(np.ceil(least_accuracy * len(confidence) - 1e-9))
    if spare < 0:
        share = len(right) / max(len(confidence), 1)
        raise NoThresholdError(f"{share:.4f} of the texts are right at all, {least_accuracy} were asked for; ask less")
    return float(right[spare]) if spare < len(right) else float("inf")
