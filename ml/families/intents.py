"""The intent of a prompt, or none of those known: one estimator from texts to intents. No templates, no tables.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.families.network import SparseNetwork
from ml.families.result import FamilyResult, mean_figure, mean_of, paired
from ml.families.terms import K_PEOPLE, People, SharedTerms
from ml.intervals import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Prompts: TypeAlias = Sequence[str] | NDArray[Any]
OUT_OF_SCOPE = "out of scope"
VIEWS = (("word", 1, 2), ("char_wb", 2, 5))
SHARPNESS = 4.0  # of margins as probabilities
SEED = 20190521


class NoThresholdError(Exception):
    """No threshold keeps the accuracy asked for, so that prompts out of scope cannot be told."""


class IntentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Intents of prompts by a linear support vector machine and a small network together.

    Prompts are texts, read by their shared terms, or vectors (n, 768) as features.ftr_prompt_response_pairs has them.

    The softmax of margins times SHARPNESS counts as margin_share beside the network's probabilities. A text whose
    confidence is below threshold_, which `choose_threshold` sets on texts that no other step learned from, is
    OUT_OF_SCOPE; at first none is. Holds terms and intents of k_people people, and weights: no text and no vector.

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

    def fit(self, prompts: Prompts, intents: Sequence[str], people: People = None) -> IntentClassifier:
        """Learn the intents (n,) of prompts (n,); people (n,) says who wrote each, None: each somebody else.

        Prompts of an intent that fewer than k_people people had are not learned from. Raises terms.NothingSharedError;
        ValueError where there are not two intents.
        """
        from sklearn.svm import LinearSVC
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        labels, who = np.asarray(intents, dtype=str), np.asarray(range(len(intents)) if people is None else people)
        is_shared = np.isin(labels, _shared_labels(labels, who, self.k_people))
        labels, who = labels[is_shared], who[is_shared]
        rows = self._learned_rows(_chosen(prompts, is_shared), who)
        names, counts = np.unique(labels, return_counts=True)
        self.most_frequent_ = str(names[counts.argmax()]) if len(names) else ""
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

    def predict_proba(self, prompts: Prompts) -> Floats:
        """P(intent) in the order of classes_, as if the prompt had one of them: (n, intents)."""
        rows = self._rows(prompts)
        margins = (np.asarray(rows @ self.margins_) + self.offsets_) * SHARPNESS
        odds = np.exp(margins - margins.max(axis=1, keepdims=True))
        by_margin, by_network = odds / odds.sum(axis=1, keepdims=True), self.network_.predict_proba(rows)
        return np.asarray(self.margin_share * by_margin + (1 - self.margin_share) * by_network)

    def confidence(self, prompts: Prompts) -> Floats:
        """How sure it is that a prompt has its likeliest intent (n,): 0 to 1."""
        return np.asarray(self.predict_proba(prompts).max(axis=1))

    def predict(self, prompts: Prompts) -> NDArray[Any]:
        """The likeliest intent (n,), OUT_OF_SCOPE where the confidence is below threshold_."""
        chances = self.predict_proba(prompts)
        named = self.classes_[chances.argmax(axis=1)].astype(object)
        named[chances.max(axis=1) < self.threshold_] = OUT_OF_SCOPE
        return np.asarray(named, dtype=object)

    def choose_threshold(self, prompts: Prompts, intents: Sequence[str], least_accuracy: float) -> IntentClassifier:
        """Set the highest threshold that leaves least_accuracy of these prompts, which have intents, rightly named.

        Prompts out of scope are not needed: how many it finds is measured, not chosen. Raises NoThresholdError.
        """
        chances = self.predict_proba(prompts)
        is_right = self.classes_[chances.argmax(axis=1)] == np.asarray(intents, dtype=str)
        self.threshold_ = highest_threshold(chances.max(axis=1), is_right, least_accuracy)
        return self

    def _learned_rows(self, prompts: Prompts, people: NDArray[Any]) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        if isinstance(prompts, np.ndarray) and prompts.ndim == 2:
            self.views_: list[SharedTerms] = []
            return csr_matrix(prompts)
        self.views_ = [SharedTerms(*view, k_people=self.k_people) for view in VIEWS]
        return hstack([view.fit_transform(list(prompts), people=people) for view in self.views_]).tocsr()

    def _rows(self, prompts: Prompts) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        return (
            hstack([view.transform(list(prompts)) for view in self.views_]).tocsr()
            if self.views_
            else csr_matrix(prompts)
        )


def measured(
    model: IntentClassifier, prompts: Prompts, intents: Sequence[str], people: Sequence[str], strange: Prompts,
    strangers: Sequence[str],
) -> FamilyResult:  # fmt: skip
    """The model on prompts in scope, refused ones counted as errors, beside the most frequent intent of its training.

    strange: prompts out of scope of strangers (m,), whose share refused is the guard out_of_scope_recall.
    """
    wanted, units = np.asarray(intents, dtype=object), np.asarray(people, dtype=object)
    rights = [np.asarray(said == wanted, dtype=np.float64) for said in (model.predict(prompts), model.most_frequent_)]
    n_units = len(np.unique(units.astype(str)))
    strong, baseline, gain = paired(mean_of(rights[0], units), mean_of(rights[1], units), n_units)
    refused = (model.confidence(strange) < model.threshold_).astype(np.float64)
    return FamilyResult(
        "intents", "accuracy", "margin and network", "most frequent intent", len(wanted), n_units, strong, baseline,
        gain, "threshold chosen on other prompts than these; intervals over people",
        {"out_of_scope_recall": mean_figure(refused, np.asarray(strangers, dtype=object))},
        {"threshold": model.threshold_},
    )  # fmt: skip


def _shared_labels(labels: NDArray[Any], people: NDArray[Any], k_people: int) -> NDArray[Any]:
    """The labels that k_people people have."""
    pairs = np.unique(np.column_stack([labels.astype(str), people.astype(str)]), axis=0)
    names, n_people = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(names[n_people >= k_people])


def _chosen(prompts: Prompts, mask: NDArray[np.bool_]) -> Prompts:
    if isinstance(prompts, np.ndarray):
        return np.asarray(prompts[mask])
    return [prompt for prompt, is_chosen in zip(prompts, mask, strict=True) if is_chosen]


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
