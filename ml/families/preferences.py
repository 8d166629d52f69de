"""Which of two answers people prefer, with ties, from features of both and from who answered. No texts, no judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.families.terms import K_PEOPLE
from ml.intervals import Codes, Floats

if TYPE_CHECKING:
    from collections.abc import Callable

TIE, FIRST, SECOND = 0, 1, 2
ITEM = "item"
SIDES = ("first_", "second_")


class NoVerdictsError(Exception):
    """The pairs hold no decided verdict, so no preference can be learned from them."""


class PairPreference(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear preference with ties: Bradley-Terry strengths of items plus weights of differences of features.

    P(first) = s(d - t), P(second) = s(-d - t), the rest a tie, with d the difference of scores, s the logistic function
    and t a learned width (Rao & Kupper, JASA 62 (1967), 194-204; Bradley & Terry, Biometrika 39 (1952), 324-345).
    Swapping the two answers swaps the probabilities, exactly. penalty: of squared weights, per pair.
    """

    def __init__(self, penalty: float = 0.01, k_people: int = K_PEOPLE) -> None:
        self.penalty = penalty
        self.k_people = k_people

    def fit(
        self, pairs: pd.DataFrame, verdicts: NDArray[np.int64], people: NDArray[np.object_] | None = None
    ) -> PairPreference:
        """Learn from pairs with columns first_NAME and second_NAME, and verdicts (n,): 0 tie, 1 first, 2 second.

        first_item and second_item say who answered; items of fewer than k_people people (people (n,); None: each row
        another) get no strength of their own. Raises NoVerdictsError.
        """
        verdicts = np.asarray(verdicts, dtype=np.int64)
        if not np.isin(verdicts, (FIRST, SECOND)).any():
            raise NoVerdictsError("every pair is a tie; wait for pairs of which one answer was preferred")
        self.classes_ = np.array([TIE, FIRST, SECOND])
        self.columns_ = sorted(
            name.removeprefix(SIDES[0]) for name in pairs.columns if name.startswith(SIDES[0]) and name != "first_item"
        )
        self.items_ = _shared_items(pairs, people, self.k_people)
        raw = self._differences(pairs)
        self.scale_ = np.sqrt((raw**2).mean(axis=0)) + 1e-12
        self.weights_, self.width_ = _most_likely(raw / self.scale_, verdicts, self.penalty)
        return self

    def decision_function(self, pairs: pd.DataFrame) -> Floats:
        """Score of the first answer minus that of the second (n,)."""
        return np.asarray(self._differences(pairs) / self.scale_ @ self.weights_)

    def predict_proba(self, pairs: pd.DataFrame) -> Floats:
        """P(tie), P(first), P(second): (n, 3)."""
        return _chances(self.decision_function(pairs), float(self.width_))

    def predict(self, pairs: pd.DataFrame) -> Codes:
        """The likeliest verdict (n,)."""
        return np.asarray(self.classes_[self.predict_proba(pairs).argmax(axis=1)], dtype=np.int64)

    def quality(self, answers: pd.DataFrame) -> Floats:
        """Quality of single answers (n,) with columns NAME and item: only differences of it mean anything."""
        nothing = pd.DataFrame(0.0, index=answers.index, columns=list(answers.columns.drop(ITEM, errors="ignore")))
        return self.decision_function(pd.concat([answers.add_prefix("first_"), nothing.add_prefix("second_")], axis=1))

    def strengths(self) -> dict[str, float]:
        """Bradley-Terry strength of each shared item, features aside; their mean is 0."""
        found = self.weights_[len(self.columns_) :] / self.scale_[len(self.columns_) :]
        return dict(zip(self.items_, (found - found.mean()).tolist(), strict=True)) if len(found) else {}

    def _differences(self, pairs: pd.DataFrame) -> Floats:
        first, second = (
            np.column_stack(
                [
                    *(pairs[side + name].to_numpy(np.float64) for name in self.columns_),
                    *((_items(pairs, side) == item).astype(np.float64) for item in self.items_),
                ]
                or [np.zeros(len(pairs))]
            )
            for side in SIDES
        )
        return np.asarray(np.nan_to_num(first - second), dtype=np.float64)


def pairs_from_feedback(exchanges: pd.DataFrame, features: Sequence[str]) -> tuple[pd.DataFrame, Codes]:
    """Pairs of one person's rated answers to prompts of one intent, and which was rated higher.

    exchanges: rows of features.ftr_prompt_response_pairs (subject, event_day, exchange_no, intent, ai_model, rating and
    the named features). Each answer is paired with the person's next one, so that nobody counts more than they rated,
    and nobody's severity counts. Returns (pairs with subject, verdicts).
    """
    rated = exchanges[exchanges["rating"].notna()].sort_values(["subject", "intent", "event_day", "exchange_no"])
    following = rated.groupby(["subject", "intent"], dropna=False)["rating"].shift(-1)
    following_rows = rated.shift(-1)
    is_pair = following.notna().to_numpy()
    renamed = {name: name for name in features} | {"ai_model": ITEM}
    sides = [
        side[is_pair][list(renamed)].rename(columns=renamed).add_prefix(prefix).reset_index(drop=True)
        for side, prefix in zip((rated, following_rows), SIDES, strict=True)
    ]
    subjects = rated["subject"][is_pair].reset_index(drop=True)
    gap = (rated["rating"] - following)[is_pair].to_numpy(np.float64)
    verdicts = np.select([gap > 0, gap < 0], [FIRST, SECOND], TIE).astype(np.int64)
    return pd.concat([subjects, *sides], axis=1), verdicts


def _items(pairs: pd.DataFrame, side: str) -> NDArray[np.object_]:
    name = side + ITEM
    return pairs[name].to_numpy(object) if name in pairs.columns else np.full(len(pairs), None, dtype=object)


def _shared_items(pairs: pd.DataFrame, people: NDArray[np.object_] | None, k_people: int) -> list[str]:
    who = np.arange(len(pairs)) if people is None else people
    owned = pd.concat([pd.DataFrame({"item": _items(pairs, side), "person": who}) for side in SIDES]).dropna()
    n_people = owned.groupby("item")["person"].nunique()
    return sorted(str(item) for item, n in n_people.items() if n >= k_people)


def _chances(difference: Floats, width: float) -> Floats:
    from scipy.special import expit

    first, second = expit(difference - width), expit(-difference - width)
    return np.column_stack([np.maximum(1 - first - second, 1e-12), first, second])


def _most_likely(differences: Floats, verdicts: Codes, penalty: float) -> tuple[Floats, float]:
    """Weights (d,) and width of ties of greatest penalised likelihood, from one fixed start."""
    from scipy.optimize import minimize

    found = minimize(_loss(differences, verdicts, penalty), np.zeros(differences.shape[1] + 1), jac=True)
    return found.x[:-1], float(np.exp(found.x[-1]))


def _loss(differences: Floats, verdicts: Codes, penalty: float) -> Callable[[Floats], tuple[float, Floats]]:
    from scipy.special import expit

    sign = np.select([verdicts == FIRST, verdicts == SECOND], [1.0, -1.0], 0.0)
    is_tie = verdicts == TIE

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, width = parameters[:-1], np.exp(parameters[-1])
        d = differences @ weights
        first, second = expit(d - width), expit(-d - width)
        tie = np.maximum(1 - first - second, 1e-12)
        chosen = np.where(is_tie, tie, np.where(sign > 0, first, second))
        slope = np.where(sign > 0, 1 - first, -(1 - second))  # of log P by d
        by_d = np.where(is_tie, (second * (1 - second) - first * (1 - first)) / tie, slope)
        by_width = np.where(
            is_tie, (first * (1 - first) + second * (1 - second)) / tie, np.where(sign > 0, first - 1, second - 1)
        )
        value = -np.log(chosen).mean() + penalty * float(weights @ weights)
        by_weights = -(differences * by_d[:, None]).mean(axis=0) + 2 * penalty * weights
        return float(value), np.append(by_weights, -by_width.mean() * width)

    return loss
