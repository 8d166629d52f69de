"""Scores rows with a model that Lethe exported. This file and the model's JSON are all it takes: Python alone.

    model = load("model.json")
    score(model, {"recency_days": 3.0, "n_events_28d": None, ...})  # the probability; None where a value is missing

It is the same arithmetic as lethe_scorer.js beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = "lethe.embedded/1"


class UnknownFormatError(ValueError):
    """A file that is no exported model of a format that this scorer knows."""


class MissingFeatureError(KeyError):
    """A row without a feature that the model was trained on; a value that is not known is None, not left out."""


def load(path: str | Path) -> dict[str, Any]:
    """The model in a file. Raises UnknownFormatError."""
    model = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(model, dict) or model.get("format") != FORMAT:
        raise UnknownFormatError(f"{path} is no model in the format {FORMAT}; export it again")
    return model


def score(model: Mapping[str, Any], row: Mapping[str, float | None]) -> float:
    """The probability of the positive class for one row. Raises MissingFeatureError."""
    values = [_number(row, name) for name in model["columns"]]
    for step in model["steps"]:
        kind = step["kind"]
        if kind == "impute":
            values = [filled if math.isnan(v) else v for v, filled in zip(values, step["values"], strict=True)]
        elif kind == "asinh":
            values = [math.asinh(value) for value in values]
        elif kind == "scale":
            values = [(v - m) / s for v, m, s in zip(values, step["mean"], step["scale"], strict=True)]
        elif kind == "linear":
            weighted = zip(values, step["weights"], strict=True)
            return _logistic(math.fsum([step["intercept"], *(value * weight for value, weight in weighted)]))
        elif kind == "trees":
            return _logistic(step["start"] + sum(_leaf(tree, values) for tree in step["trees"]))
        elif kind == "constant":
            return float(step["probability"])
        else:
            raise UnknownFormatError(f"the model has a step {kind!r}, which this scorer does not know; take a newer")
    raise UnknownFormatError("the model has no last step; export it again")


def _number(row: Mapping[str, float | None], name: str) -> float:
    if name not in row:
        raise MissingFeatureError(f"the row has no {name}; give None where the value is not known")
    value = row[name]
    return math.nan if value is None else float(value)


def _leaf(tree: Mapping[str, list[Any]], values: list[float]) -> float:
    feature, threshold, left, right = tree["feature"], tree["threshold"], tree["left"], tree["right"]
    node = 0
    while feature[node] >= 0:
        value = values[feature[node]]
        goes_left = tree["missing_left"][node] if value != value else value <= threshold[node]  # noqa: PLR0124 - NaN
        node = left[node] if goes_left else right[node]
    return float(tree["value"][node])


def _logistic(raw: float) -> float:
    if raw >= 0:
        return 1.0 / (1.0 + math.exp(-raw))
    odds = math.exp(raw)
    return odds / (1.0 + odds)
