"""A fitted pipeline as one JSON document: what it learnt and nothing of the rows it learnt from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.embedded.scorer import FORMAT
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Step = dict[str, Any]
ENDLESS = 1.7976931348623157e308  # JSON knows no infinity; no value is larger than this


class UnexportableModelError(Exception):
    """A model with a step that the scorers do not know; nothing was written."""


def document_of(fitted: Pipeline, *, model: str, version: int | None = None, digest: str | None = None) -> Step:
    """The pipeline of a linear or boosted two-class model. digest: SHA-256 of the registered file it was made from.

    Raises UnexportableModelError.
    """
    document = {
        "format": FORMAT, "model": model, "version": version, "artifact_sha256": digest,
        "columns": [str(name) for name in fitted.feature_names_in_],
        "steps": [_step(part) for _, part in fitted.steps],
    }  # fmt: skip
    encode(document)  # what is no number is found now
    return document


def encode(document: Mapping[str, Any]) -> str:
    """The document as text. Raises UnexportableModelError for a number that JSON does not have."""
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise UnexportableModelError(f"the model holds a value that is no number ({error}); train it again") from None


def _step(part: Any) -> Step:
    kind = type(part).__name__
    if kind not in STEPS:
        raise UnexportableModelError(f"no scorer knows the step {kind}; linear models and histogram boosting are known")
    return STEPS[kind](part)


def _impute(part: Any) -> Step:
    if not isinstance(part.missing_values, float) or not math.isnan(part.missing_values) or part.add_indicator:
        raise UnexportableModelError("an imputer of other values than NaN, or with indicators, is not known")
    return {"kind": "impute", "values": _numbers(part.statistics_)}


def _transform(part: Any) -> Step:
    if part.func is not np.arcsinh:
        raise UnexportableModelError("of functions, arcsinh alone is known")
    return {"kind": "asinh"}


def _scale(part: Any) -> Step:
    if not (part.with_mean and part.with_std):
        raise UnexportableModelError("a scaler that leaves out the mean or the scale is not known")
    return {"kind": "scale", "mean": _numbers(part.mean_), "scale": _numbers(part.scale_)}


def _linear(part: Any) -> Step:
    _require_two_classes(part)
    return {"kind": "linear", "weights": _numbers(part.coef_[0]), "intercept": float(part.intercept_[0])}


def _trees(part: Any) -> Step:
    _require_two_classes(part)
    trees = [_tree(predictors[0].nodes) for predictors in part._predictors]
    return {"kind": "trees", "start": float(np.ravel(part._baseline_prediction)[0]), "trees": trees}


def _tree(nodes: Any) -> dict[str, list[Any]]:
    """The nodes as columns; a leaf has no feature. How many rows a node saw, and what it gained, stay behind."""
    if nodes["is_categorical"].any():
        raise UnexportableModelError("splits by category are not known; encode categories as numbers")
    leaf = nodes["is_leaf"].astype(bool)
    threshold = np.where(leaf, 0.0, np.minimum(nodes["num_threshold"], ENDLESS))
    return {
        "feature": np.where(leaf, -1, nodes["feature_idx"]).tolist(),
        "threshold": threshold.tolist(),
        "left": np.where(leaf, 0, nodes["left"]).tolist(),
        "right": np.where(leaf, 0, nodes["right"]).tolist(),
        "missing_left": np.where(leaf, 0, nodes["missing_go_to_left"]).tolist(),
        "value": np.where(leaf, nodes["value"], 0.0).tolist(),
    }


def _constant(part: Any) -> Step:
    if part.strategy != "prior":
        raise UnexportableModelError(f"a constant model by {part.strategy} is not known")
    hits = np.flatnonzero(np.asarray(part.classes_))
    share = np.ravel(part.class_prior_)
    return {"kind": "constant", "probability": float(share[hits[0]]) if len(hits) else 0.0}


STEPS: Mapping[str, Callable[[Any], Step]] = {
    "SimpleImputer": _impute,
    "FunctionTransformer": _transform,
    "StandardScaler": _scale,
    "LogisticRegression": _linear,
    "HistGradientBoostingClassifier": _trees,
    "DummyClassifier": _constant,
}


def _require_two_classes(part: Any) -> None:
    if len(part.classes_) != 2 or list(map(bool, part.classes_)) != [False, True]:
        raise UnexportableModelError("only models of two classes, false and true, are known")


def _numbers(values: Floats) -> list[float]:
    return [float(value) for value in np.ravel(values)]
