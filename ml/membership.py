"""How well somebody can tell from a model's scores whose rows it learnt from: the likelihood-ratio attack.

LiRA, online, after Carlini et al. 2022 (IEEE S&P, algorithm 1): models of the same recipe are trained on random halves
of the people, and each in turn is attacked with what the others say of a person inside and outside. The unit is a
person: the evidence of all of a person's rows counts together. What is measured is the recipe on half of the people,
which remembers more of each than the model on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import Outcomes, ranking
from ml.intervals import Floats, encode

N_MODELS = 16
MOST_ROWS = 32_000  # the fewer a model learns from, the more it remembers of each: a sample makes it look worse
FALSE_ALARMS = 0.01
CLIP = 1e-6

Scores = Callable[[pd.DataFrame, NDArray[np.bool_], pd.DataFrame], Floats]


@dataclass(frozen=True, slots=True)
class Membership:
    """The attack's AUC (0.5: nothing is told) and the share of members named at one false alarm in a hundred."""

    auc: float
    true_alarms: float
    n_people: int
    n_models: int


def membership(
    learn: Scores, features: pd.DataFrame, labels: NDArray[np.bool_], subjects: NDArray[np.object_], *, seed: int = 0
) -> Membership | None:
    """The attack on a recipe. learn: fits on rows (n, k) with labels (n,) and scores other rows, (m,) probabilities.

    None where a half holds one class only, so that there is no model to attack.
    """
    draw = np.random.default_rng(seed)
    people, n_people = _by_rows(features, labels, *encode(subjects))
    rows = _some_people(people, n_people, draw)
    features, labels, people = features.iloc[rows].reset_index(drop=True), labels[rows], people[rows]
    people, n_people = encode(people.astype(object))
    inside = halves(n_people, draw)
    if any(len(np.unique(labels[half[people]])) < 2 for half in inside):
        return None
    said = [learn(features[half[people]], labels[half[people]], features) for half in inside]
    return told(np.stack([np.where(labels, shares, 1 - shares) for shares in said]), inside, people)


def told(shares: Floats, inside: NDArray[np.bool_], people: NDArray[np.int64]) -> Membership:
    """The attack on models by what each gave to what happened: shares (models, rows), probabilities.

    inside (models, n_people): who each learnt from; people (rows,): whose each row is.
    """
    confidence = _confidence(shares)
    evidence = np.stack([_evidence(confidence, inside, people, target) for target in range(len(inside))])
    return _told(evidence.ravel(), inside.ravel(), inside.shape[1])


def _by_rows(
    features: pd.DataFrame, labels: NDArray[np.bool_], people: NDArray[np.int64], n_people: int
) -> tuple[NDArray[np.int64], int]:
    """People numbered by what their rows hold, not by their pseudonyms: other keys of a home give the same figure."""
    from pandas.util import hash_pandas_object

    prints = np.zeros(n_people, dtype=np.uint64)
    np.add.at(prints, people, hash_pandas_object(features.assign(_label=labels), index=False).to_numpy())
    return np.argsort(np.argsort(prints, kind="stable"), kind="stable")[people], n_people


def _some_people(people: NDArray[np.int64], n_people: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """The rows of as many people as MOST_ROWS hold."""
    share = min(1.0, MOST_ROWS / len(people))
    chosen = draw.permutation(n_people)[: max(int(n_people * share), 2)]
    return np.flatnonzero(np.isin(people, chosen))


def halves(n_people: int, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Who is inside each model, (models, people): everybody in exactly half of them."""
    order = np.argsort(draw.random((N_MODELS, n_people)), axis=0)
    return np.asarray(order < N_MODELS // 2)


def _confidence(shares: Floats) -> Floats:
    """The logit of the probability of what happened: near to normal, which the attack supposes."""
    right = np.clip(shares, CLIP, 1 - CLIP)
    return np.asarray(np.log(right / (1 - right)))


def _evidence(confidence: Floats, inside: NDArray[np.bool_], people: NDArray[np.int64], target: int) -> Floats:
    """Log likelihood of inside over outside for each person under one model, by all the others: (people,)."""
    others = np.arange(len(inside)) != target
    seen, said = inside[others][:, people], confidence[others]
    means = [np.average(said, axis=0, weights=weights + 1e-12) for weights in (seen, ~seen)]
    spread = np.sqrt(np.mean((said - np.where(seen, *means)) ** 2)) + CLIP  # one for all: few models for each row
    rows = ((confidence[target] - means[1]) ** 2 - (confidence[target] - means[0]) ** 2) / (2 * spread**2)
    total = np.bincount(people, rows, minlength=inside.shape[1])
    return np.asarray(total.round(9), dtype=np.float64)  # where nothing is said, the last bits of a sum say nothing


def _told(evidence: Floats, members: NDArray[np.bool_], n_people: int) -> Membership:
    everyone = Outcomes(members.astype(np.float64), np.zeros(len(members), dtype=np.int64), 1)
    auc = float(ranking(everyone, evidence, np.ones((1, 1)))[0][0])
    threshold = np.quantile(evidence[~members], 1 - FALSE_ALARMS)
    return Membership(auc, float(np.mean(evidence[members] > threshold)), n_people, N_MODELS)
