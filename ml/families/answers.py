"""How exchanges with an assistant go: patterns of success and failure, and how good an answer is likely to be.

Takes rows of features.ftr_prompt_response_pairs, which holds no text: what events say of prompt and answer, vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ml.evaluation import Outcomes, ranking
from ml.families.result import FamilyResult, paired
from ml.families.terms import K_PEOPLE, People, SharedValues
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

SEED = 20190521
GOOD_RATING = 4.0  # of 5, and better
LABELS = ("intent", "prompt_template", "prompt_language", "ai_model")
ASKED = ("prompt_length", "prompt_complexity", "sentiment", "n_prompt_tokens")
ANSWERED = ("n_answer_tokens", "latency_ms", "similarity")
FIGURES: Mapping[str, tuple[str, ...]] = {"prompt": ASKED, "answer": ASKED + ANSWERED}
VECTORS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt_embedding",),
    "answer": ("prompt_embedding", "response_embedding"),
}


class NothingToldError(Exception):
    """No exchange says whether it went well, or all went alike, so that nothing can be learned of it."""


def outcomes(exchanges: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each exchange went well (n,), and whether anything tells (n,).

    Badly: no answer succeeded, one was edited or asked for again, or the last rating is below GOOD_RATING. Where
    neither an answer nor a rating came, nothing tells.
    """
    is_rated = exchanges["rating"].notna().to_numpy()
    came, failed, edited, again = (
        exchanges[name].astype("boolean").fillna(value=False).to_numpy(np.bool_)
        for name in ("has_succeeded", "has_failed", "is_edited", "is_regenerated")
    )
    is_low = is_rated & (exchanges["rating"].astype(np.float64).fillna(GOOD_RATING).to_numpy() < GOOD_RATING)
    return came & ~edited & ~again & ~is_low, came | failed | is_rated


class ExchangeFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Shared labels, figures, and the main directions of the vectors of exchanges, as one table.

    moment: "prompt" (what is known before an answer) or "answer"; n_directions of each vector, 0 for none.
    """

    def __init__(self, moment: str = "prompt", n_directions: int = 0, k_people: int = K_PEOPLE) -> None:
        self.moment = moment
        self.n_directions = n_directions
        self.k_people = k_people

    def fit(self, exchanges: pd.DataFrame, y: object = None, people: People = None) -> ExchangeFeatures:  # noqa: ARG002
        """Learn shared labels and directions; people (n,) says whose exchange each is."""
        from sklearn.decomposition import PCA

        self.labels_ = SharedValues(self.k_people).fit(exchanges[list(LABELS)], people=people)
        names = VECTORS[self.moment] if self.n_directions else ()
        self.directions_ = {
            name: PCA(self.n_directions, random_state=SEED).fit(_stacked(exchanges[name])) for name in names
        }
        return self

    def transform(self, exchanges: pd.DataFrame) -> Floats:
        """(n, features); a figure that is not known stays NaN. KeyError where a column is missing."""
        parts = [self.labels_.transform(exchanges[list(LABELS)])]
        parts += [exchanges[list(FIGURES[self.moment])].to_numpy(np.float64, na_value=np.nan)]
        parts += [found.transform(_stacked(exchanges[name])) for name, found in self.directions_.items()]
        return np.hstack(parts)


def estimator(moment: str, *, n_directions: int = 0, k_people: int = K_PEOPLE) -> Pipeline:
    """An unfitted Pipeline for P(went well): boosting on ExchangeFeatures."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline

    boosting = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=7, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, random_state=SEED,
    )  # fmt: skip
    return Pipeline([("features", ExchangeFeatures(moment, n_directions, k_people)), ("classify", boosting)])


def fit(moment: str, exchanges: pd.DataFrame, *, n_directions: int = 0, k_people: int = K_PEOPLE) -> Pipeline:
    """The estimator fitted on the exchanges that tell something. Raises NothingToldError."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    well, is_told = outcomes(exchanges)
    if not is_told.any() or well[is_told].all() or not well[is_told].any():
        raise NothingToldError(f"{int(is_told.sum())} exchanges tell how they went, none or all of them well")
    rows = exchanges[is_told]
    model = estimator(moment, n_directions=n_directions, k_people=k_people)
    with threadpool_limits(1):  # as in ml/churn.py: threads that wait for a busy core cost more than they save
        return model.fit(rows, well[is_told], features__people=rows["subject"].to_numpy(object))


def quality(fitted: Pipeline, exchanges: pd.DataFrame) -> Floats:
    """Estimated quality: P(went well) of each exchange (n,)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        table = np.asarray(fitted.predict_proba(exchanges), dtype=np.float64)
    return table[:, int(np.flatnonzero(fitted.classes_)[0])]


def measured(moment: str, train: pd.DataFrame, later: pd.DataFrame) -> FamilyResult:
    """The family on later exchanges: AUC of P(went well) beside the share that went well by template in training."""
    model, baseline = fit(moment, train), template_shares(train)
    well, is_told = outcomes(later)
    rows, found = later[is_told], Outcomes.of(well[is_told], later["subject"][is_told].to_numpy(object))
    scores = quality(model, rows), baseline_scores(baseline, rows)
    ranked, by_baseline = (partial(_auc, found, score) for score in scores)
    strong, base, gain = paired(ranked, by_baseline, found.n_subjects)
    return FamilyResult(
        f"ai_quality_at_{moment}", "auc_roc", "gradient boosting", "share by template", len(rows), found.n_subjects,
        strong, base, gain, "trained on earlier exchanges, measured on later ones; intervals over people",
    )  # fmt: skip


def template_shares(exchanges: pd.DataFrame) -> dict[str, float]:
    """The share of exchanges that went well by shared template, and under "" of all: the baseline."""
    well, is_told = outcomes(exchanges)
    told = pd.DataFrame({"template": exchanges["prompt_template"], "who": exchanges["subject"], "well": well})[is_told]
    by_template = told.groupby("template").agg(n_people=("who", "nunique"), share=("well", "mean"))
    shared = by_template[by_template["n_people"] >= K_PEOPLE]["share"]
    return {"": float(told["well"].mean()), **{str(name): float(share) for name, share in shared.items()}}


def baseline_scores(shares: Mapping[str, float], exchanges: pd.DataFrame) -> Floats:
    """Each exchange's share by its template (n,)."""
    return np.array([shares.get(str(name), shares[""]) for name in exchanges["prompt_template"]], dtype=np.float64)


def _auc(found: Outcomes, scores: Floats, counts: Floats) -> Floats:
    return ranking(found, scores, counts)[0]


def _stacked(column: pd.Series[Any]) -> Floats:
    """Vectors (n, 768) of a column; zeros where there is none."""
    known = [np.asarray(vector, np.float64) for vector in column if vector is not None]
    nothing = np.zeros(len(known[0]) if known else 768)
    return np.stack([nothing if vector is None else np.asarray(vector, np.float64) for vector in column])
