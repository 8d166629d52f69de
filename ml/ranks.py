"""Where the wanted item stands among all items, and what is made of it: HR@k, NDCG@k, MRR. Full ranking, never sampled.

Sampled ranking was shown to order models wrongly (Krichene & Rendle, KDD 2020), so there is none here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.intervals import N_RESAMPLES, Codes, Figure, Floats, encode, figure, subject_counts

KS = (1, 5, 10)


def places(scores: Floats, wanted: Codes, left_out: NDArray[np.bool_] | None = None) -> Codes:
    """The place, from 1, of the wanted item of each row (n,) among the items of scores (n, m), best first.

    A tie counts against the model: of equals, the wanted one stands last. wanted -1 (an item no model knows) stands
    behind all: m + 1. left_out (n, m) are not ranked, such as what was seen before; a wanted item never is.
    Raises ValueError where a score is not a number.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is not a number, so its place is not known; rank finite scores")
    n, n_items = scores.shape
    known = wanted >= 0
    own = scores[np.arange(n), np.where(known, wanted, 0)]
    before = scores >= own[:, None]
    if left_out is not None:
        before &= ~left_out
    before[np.arange(n), np.where(known, wanted, 0)] = True
    return np.asarray(np.where(known, before.sum(axis=1), n_items + 1), dtype=np.int64)


def hits(places_: Codes, k: int) -> Floats:
    """1 where the wanted item is among the first k (n,); its mean is HR@k, and accuracy for k = 1."""
    return (places_ <= k).astype(np.float64)


def gains(places_: Codes, k: int) -> Floats:
    """1 / log2(1 + place) within the first k, else 0 (n,); its mean is NDCG@k where one item is wanted."""
    return np.where(places_ <= k, 1 / np.log2(1.0 + places_), 0.0)


def reciprocals(places_: Codes) -> Floats:
    """1 / place (n,); its mean is MRR."""
    return 1.0 / places_


def measures(places_: Codes, ks: Sequence[int] = KS) -> dict[str, Floats]:
    """Each measure by its name, row by row: hr_k and ndcg_k for each k, and mrr."""
    found = {f"hr_{k}": hits(places_, k) for k in ks} | {f"ndcg_{k}": gains(places_, k) for k in ks if k > 1}
    return found | {"mrr": reciprocals(places_)}


def coverage(scores: Floats, k: int) -> float:
    """The share of items that are among the first k of at least one row of scores (n, m): 0 to 1."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(len(np.unique(first)) / scores.shape[1])


def figures(
    places_: Codes, units: NDArray[np.object_], ks: Sequence[int] = KS, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Mapping[str, Figure]:
    """The mean of each measure with its 95 % bootstrap interval over units (n,), whose rows are drawn together."""
    codes, n_units = encode(units)
    rows = measures(places_, ks)
    sums = np.column_stack([np.bincount(codes, v, n_units) for v in rows.values()])
    n = np.bincount(codes, minlength=n_units).astype(np.float64)
    counts = subject_counts(n_units, n_resamples, seed)
    spread = (counts @ sums) / (counts @ n)[:, None]
    return {name: figure(float(v.mean()), spread[:, at]) for at, (name, v) in enumerate(rows.items())}
