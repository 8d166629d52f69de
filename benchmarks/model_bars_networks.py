"""A GRU and an LSTM of pages beside the mixture of counts: all next pages of the first fold that the sequences test.

python -m benchmarks.model_bars_networks [FOLDER] [--only PART ...]; needs the extra `deep`. Data, design and folds are
those of benchmarks/model_bars_sequences.py; size, length and epochs are the estimator's own, chosen on no page of it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bar_figures import BarFigure, Parts, report
from benchmarks.model_bars_sequences import FOLDS, MOST, SEED, SHORTEST, sequences, shares
from benchmarks.sequence_data import pages
from ml import ranks
from ml.families.behaviour import places_of, questions
from ml.families.next_step import NextStep
from ml.families.recurrent import RecurrentNextStep


def network_bars(folder: Path, name: str) -> list[BarFigure]:
    """A GRU and an LSTM on all next pages of the first tested fold, beside the mixture. Raises TorchMissingError."""
    found = pages(folder, name, SHORTEST)[:MOST]
    mixed = np.random.default_rng(SEED).permutation(len(found))
    first, *others = np.array_split(mixed[len(found) // 5 :], FOLDS)
    train, asked = sequences(found, [mixed[: len(found) // 5], *others]), questions(sequences(found, [first]))
    mixture = ranks.measures(places_of(NextStep().fit(train), asked))["hr_1"]
    rows = []
    for cell in ("gru", "lstm"):
        model = RecurrentNextStep(cell).fit(train)
        answers = (ranks.measures(places_of(model, asked))["hr_1"], mixture, asked.units)
        rows += shares(
            f"every page, {name}, {cell.upper()}", answers, "mixture of counts", None, f"{len(train):,} known"
        )
    return rows


PARTS: Parts = {
    "bms": (partial(network_bars, name="BMS"),),
    "fifa": (partial(network_bars, name="FIFA"),),
}


if __name__ == "__main__":
    report(PARTS, __doc__)
