"""Whether a risk score learns from labels: boosting beside the forest on people that neither saw. Nothing is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import Outcomes, ranking
from ml.families.result import FamilyResult, paired
from ml.families.risk import LEAST_LABELLED, SEED, RiskScore
from ml.intervals import Floats, figure, subject_counts

N_FOLDS = 5
INVERTED = 0.45  # AUC of a forest that ranks the honest above the fraudulent: look at the signs, use neither


class InvertedScoreError(Exception):
    """Rows that stand out are less often fraud than ordinary ones: the signs point the wrong way."""


class TooFewLabelsError(Exception):
    """Too few people are known to be fraudulent, or known not to be, to measure anything by."""


def measured(
    signs: pd.DataFrame, labels: Floats, people: NDArray[np.object_], *, n_folds: int = N_FOLDS, seed: int = SEED
) -> FamilyResult:
    """Boosting (strong) beside the forest alone (baseline), AUC on the labelled rows of people that were held out.

    labels (n,): 1, 0 or NaN; people (n,) keeps a person's rows in one fold. Raises TooFewLabelsError.
    """
    known = np.isfinite(labels)
    n_fraud = int(np.nansum(labels))
    if min(n_fraud, int(known.sum()) - n_fraud) < 2 * LEAST_LABELLED:
        raise TooFewLabelsError(
            f"{n_fraud} of {int(known.sum())} labels say fraud; {2 * LEAST_LABELLED} of each needed"
        )
    boosted, forest = _held_out(signs, labels, people, n_folds, seed)
    outcomes = Outcomes.of(labels[known] > 0, people[known])
    strong, baseline, gain = paired(
        lambda counts: ranking(outcomes, boosted[known], counts)[0],
        lambda counts: ranking(outcomes, forest[known], counts)[0],
        outcomes.n_subjects,
    )
    counts, everyone = subject_counts(outcomes.n_subjects), np.ones((1, outcomes.n_subjects))
    precisions = {
        name: figure(float(ranking(outcomes, s, everyone)[1][0]), ranking(outcomes, s, counts)[1])
        for name, s in (("auc_pr", boosted[known]), ("auc_pr of the baseline", forest[known]))
    }
    return FamilyResult(
        "risk", "auc_roc", "boosting on labels", "isolation forest", int(known.sum()), outcomes.n_subjects,
        strong, baseline, gain, f"{n_folds} folds, grouped by person", precisions,
    )  # fmt: skip


def fit_best(
    signs: pd.DataFrame, labels: Floats, people: NDArray[np.object_], *, n_folds: int = N_FOLDS
) -> tuple[RiskScore, str]:
    """The score that the labels bear out, fitted on all rows, and why it is that one. Raises InvertedScoreError."""
    try:
        found = measured(signs, labels, people, n_folds=n_folds)
    except TooFewLabelsError as error:
        return RiskScore().fit(signs), f"isolation forest: {error}"
    if found.baseline.high < INVERTED:
        raise InvertedScoreError(f"AUC of the forest is {found.baseline}; look at what the signs mean before use")
    if found.gain.low > 0:
        return RiskScore().fit(signs, labels), f"boosting: AUC {found.strong}, gain {found.gain}"
    return RiskScore().fit(signs), f"isolation forest: labels gain {found.gain}, which may be nothing"


def _held_out(
    signs: pd.DataFrame, labels: Floats, people: NDArray[np.object_], n_folds: int, seed: int
) -> tuple[Floats, Floats]:
    """Each row's risk by boosting and by the forest (n,), from models that saw no row of its person."""
    from sklearn.model_selection import StratifiedGroupKFold

    boosted, forest = np.zeros(len(labels)), np.zeros(len(labels))
    kinds = np.nan_to_num(labels, nan=2.0).astype(np.int64)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    for inside, outside in folds.split(signs, kinds, people):
        rows, asked = signs.iloc[inside], signs.iloc[outside]
        boosted[outside] = RiskScore(seed=seed).fit(rows, labels[inside]).decision_function(asked)
        forest[outside] = RiskScore(seed=seed).fit(rows).decision_function(asked)
    return boosted, forest
