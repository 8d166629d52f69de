"""The churn ladder: majority, logistic regression, gradient boosting; each one Pipeline. No test rows, no registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.diagnosis import Fold
from ml.dynamics import fold_of
from ml.evaluation import Evaluation, Outcomes, auc_difference, best_f1_threshold, evaluate, plain_auc
from ml.intervals import Figure, Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

RECIPE = 4  # Part of the training key: raise it when what is learned changes, or what is measured with it.
SEED = 20190521
FAR = -1e6

# As strict as the rows of few people ask for: looser ones learnt people by heart (docs/models.md) and scored no better.
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "majority": {"strategy": "prior"},
    "logistic regression": {"C": 0.03, "max_iter": 1000},
    "gradient boosting": {
        "learning_rate": 0.05, "max_iter": 100, "max_leaf_nodes": 7, "min_samples_leaf": 200,
        "l2_regularization": 5.0, "max_features": 0.3, "early_stopping": False,
    },
}  # fmt: skip
RUNGS = tuple(SETTINGS)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder, measured on the out-of-fold rows of the training period.

    folds: how each fit went; not kept in the record, as a version that is taken again is not trained again.
    """

    name: str
    evaluation: Evaluation
    train_auc: float
    gain: Figure | None
    seconds: float
    folds: tuple[Fold, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs, the one chosen, and the probability from which a subject counts as churning (best F1)."""

    rungs: tuple[Rung, ...]
    chosen: str
    threshold: float

    def rung(self, name: str) -> Rung:
        return next(rung for rung in self.rungs if rung.name == name)

    def document(self) -> dict[str, Any]:
        """The ladder as JSON, for the record of a model version."""
        return asdict(replace(self, rungs=tuple(replace(rung, folds=()) for rung in self.rungs)))

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Ladder:
        """The ladder back from its document."""
        return cls(tuple(_rung(item) for item in document["rungs"]), document["chosen"], document["threshold"])


def pipeline(name: str) -> Pipeline:
    """An unfitted Pipeline that holds every learned step of a rung; only numpy ufuncs, so that skops can load it."""
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    settings: dict[str, Any] = dict(SETTINGS[name])
    if name == "majority":
        return Pipeline([("classify", DummyClassifier(**settings))])
    if name == "gradient boosting":
        # Boosting takes missing values itself, but fails on a column that holds nothing else; a far value serves both.
        far = SimpleImputer(strategy="constant", fill_value=FAR, keep_empty_features=True)
        return Pipeline([("impute", far), ("classify", HistGradientBoostingClassifier(random_state=SEED, **settings))])
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")),
            ("scale", StandardScaler()),
            ("classify", LogisticRegression(random_state=SEED, **settings)),
        ]
    )


def fit(name: str, features: pd.DataFrame, labels: NDArray[np.bool_]) -> Pipeline:
    """The rung fitted on features (n, k); a single class in the labels leaves only the majority rung.

    One thread per fit: the folds are fitted side by side, and OpenMP threads that wait for a busy core made a fit
    ten times slower.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    one_class = labels.all() or not labels.any()
    with threadpool_limits(1):
        return pipeline("majority" if one_class else name).fit(features, labels)


def probabilities(fitted: Pipeline, features: pd.DataFrame) -> Floats:
    """P(churn) per row, (n,), from the columns the pipeline was fitted on. KeyError where one is missing."""
    from threadpoolctl import threadpool_limits

    columns = list(fitted.feature_names_in_)
    with threadpool_limits(1):
        table = np.asarray(fitted.predict_proba(features[columns]), dtype=np.float64)
    hits = np.flatnonzero(np.asarray(fitted.classes_))
    return table[:, hits[0]] if len(hits) else np.zeros(len(table))


def climb(
    features: pd.DataFrame,
    labels: NDArray[np.bool_],
    subjects: NDArray[np.object_],
    folds: NDArray[np.int64],
    report: Callable[[Rung], None],
) -> Ladder:
    """Measure every rung on grouped folds; a dearer rung is taken only where its AUC gain is surely above zero."""
    outcomes = Outcomes.of(labels, subjects)
    best, best_scores, measured = RUNGS[0], np.zeros(len(labels)), list[Rung]()
    for name in RUNGS:
        started = time.perf_counter()
        scores, fits = out_of_fold(name, features, labels, folds)
        train_auc = float(np.mean([fit.train_auc for fit in fits]))
        if name == RUNGS[0]:  # each fold states the share of the others, which ranks the folds upside down
            scores = np.full_like(scores, scores.mean())
        gain = None if name == RUNGS[0] else auc_difference(outcomes, scores, best_scores, n_resamples=200)
        evaluation = evaluate(outcomes, scores, threshold=best_f1_threshold(outcomes.labels, scores), n_resamples=200)
        measured.append(Rung(name, evaluation, train_auc, gain, time.perf_counter() - started, fits))
        report(measured[-1])
        if gain is None or gain.low > 0:
            best, best_scores = name, scores
    return Ladder(tuple(measured), best, best_f1_threshold(outcomes.labels, best_scores))


def out_of_fold(
    name: str, features: pd.DataFrame, labels: NDArray[np.bool_], folds: NDArray[np.int64]
) -> tuple[Floats, tuple[Fold, ...]]:
    """Each row's probability from a model that never saw its subject (n,), and how each fit went."""
    from concurrent.futures import ThreadPoolExecutor

    def hold_out(fold: int) -> tuple[NDArray[np.bool_], Floats, Fold]:
        outside = folds == fold
        inside = outside if outside.all() else ~outside  # a single group leaves nothing to hold out
        fitted = fit(name, features[inside], labels[inside])
        scores = probabilities(fitted, features)
        return outside, scores[outside], fold_of(fitted, features, labels, scores, inside, outside)

    scores, seen = np.zeros(len(labels)), list[Fold]()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outside, held_out, fit_of_fold in pool.map(hold_out, np.unique(folds)):
            scores[outside] = held_out
            seen.append(fit_of_fold)
    return scores, tuple(seen)


def associations(features: pd.DataFrame, labels: NDArray[np.bool_]) -> dict[str, float]:
    """The AUC of every column alone, in its better direction; a leaked target shows here."""
    return {name: single_feature_auc(labels, features[name].to_numpy(np.float64)) for name in features.columns}


def strongest(alone: Mapping[str, float]) -> tuple[str, float]:
    """The column that alone ranks churn best, and its AUC; the first of equals."""
    return max(alone.items(), key=lambda item: item[1], default=("", 0.5))


def single_feature_auc(labels: NDArray[np.bool_], values: Floats) -> float:
    """AUC of one column in its better direction; missing values rank lowest."""
    auc = plain_auc(labels, np.where(np.isfinite(values), values, -np.inf))
    return max(auc, 1 - auc)


def _rung(item: Mapping[str, Any]) -> Rung:
    measured = dict(item["evaluation"])
    measured["figures"] = {name: Figure(**values) for name, values in measured["figures"].items()}
    gain = None if item["gain"] is None else Figure(**item["gain"])
    return Rung(item["name"], Evaluation(**measured), item["train_auc"], gain, item["seconds"])
