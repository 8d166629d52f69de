"""Which journal entries a training writes and with what figures; the sentences come from ml.reasoning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml import diagnosis, reasoning
from ml.churn import RUNGS, SETTINGS, Ladder, Rung
from ml.contenders import Frozen
from ml.diagnosis import TrainingFigures
from ml.journal import Entry, Event, Journal
from ml.measurement import Measurement
from ml.training_sets import TrainingSet


def preprocessed(journal: Journal, data: TrainingSet) -> None:
    journal.write(
        Entry(
            Event.DATASET_PREPROCESSED, data.training_set_id, None, "Training set frozen and split by time",
            reasoning.dataset_frozen(data.manifest),
            {f"n_rows_{part}": n for part, n in data.manifest["n_rows"].items()},
        )
    )  # fmt: skip


def started(journal: Journal, data: TrainingSet, labels: NDArray[np.bool_]) -> None:
    n_bots = data.manifest["n_bot_rows"]["train"] if data.policy.exclude_bots else 0
    text = reasoning.training_started(len(labels), n_bots, float(labels.mean()), len(data.columns), RUNGS)
    figures = {"n_rows": len(labels), "n_features": len(data.columns), "prevalence": float(labels.mean())}
    journal.write(Entry(Event.TRAINING_STARTED, data.training_set_id, "churn", "Ladder of models", text, figures))


def rung_measured(journal: Journal, data: TrainingSet, rung: Rung) -> None:
    figures = {**rung.evaluation.values(), "train_auc": rung.train_auc, "seconds": rung.seconds}
    text, name = reasoning.rung_measured(rung), data.training_set_id
    journal.write(Entry(Event.TRAINING_PROGRESS, name, rung.name, "Rung measured on grouped folds", text, figures))
    if rung.gain is not None:
        gain = {"gain": rung.gain.value, "gain_low": rung.gain.low, "gain_high": rung.gain.high}
        verdict = "Dearer rung preferred" if rung.gain.low > 0 else "Cheaper rung kept"
        journal.write(Entry(Event.MODEL_COMPARED, name, rung.name, verdict, text, gain))


def chosen(journal: Journal, data: TrainingSet, ladder: Ladder) -> None:
    best = ladder.rung(ladder.chosen)
    journal.write(
        Entry(
            Event.ALGORITHM_SELECTED, data.training_set_id, ladder.chosen, f"{ladder.chosen} selected",
            reasoning.rung_selected(ladder), best.evaluation.values(),
        )
    )  # fmt: skip
    journal.write(
        Entry(
            Event.HYPERPARAMETERS_SET, data.training_set_id, ladder.chosen, "Fixed settings used",
            reasoning.settings_fixed(ladder.chosen, ladder),
            {**SETTINGS[ladder.chosen], "threshold": ladder.threshold},
        )
    )  # fmt: skip


def measured(journal: Journal, data: TrainingSet, ladder: Ladder, report: Measurement) -> None:
    name, figures = data.training_set_id, report.evaluation.values()
    seconds = sum(rung.seconds for rung in ladder.rungs)
    done = f"{len(ladder.rungs)} rungs compared in {seconds:.1f} s; {ladder.chosen} fitted on all training rows."
    journal.write(Entry(Event.TRAINING_COMPLETED, name, ladder.chosen, "Training finished", done, {"seconds": seconds}))
    text = reasoning.evaluated(report.evaluation, report.recency)
    journal.write(Entry(Event.MODEL_EVALUATED, name, ladder.chosen, "Measured on later rows", text, figures))
    for issue in reasoning.find_issues(report):
        journal.write(Entry(Event.ISSUE_DETECTED, name, ladder.chosen, issue.decision, issue.reasoning, issue.metrics))


def diagnosed(journal: Journal, data: TrainingSet, ladder: Ladder, seen: TrainingFigures) -> None:
    """How the chosen rung learnt, and the probable cause first where something went wrong."""
    name, text = data.training_set_id, reasoning.went(seen)
    journal.write(Entry(Event.TRAINING_PROGRESS, name, ladder.chosen, "Course of the training read", text, None))
    for place, found in enumerate(diagnosis.diagnose(seen)):
        decision = f"{'Also seen' if place else 'Probable cause'}: {found.cause}"
        journal.write(
            Entry(Event.ISSUE_DETECTED, name, ladder.chosen, decision, found.reasoning, found.metrics)
        )  # fmt: skip


def saved(journal: Journal, data: Frozen, model: str, version: int) -> None:
    text = (
        f"Training set digest {data.digest[:12]} had no finished version; the file is recorded with its digest and "
        "loads under the fixed list of allowed types."
    )
    journal.write(Entry(Event.MODEL_SAVED, data.training_set_id, model, f"Version {version} registered", text, None))


def training_ended_early(journal: Journal, data: Frozen, model: str, error: BaseException) -> None:
    """Stopped where a person or the system interrupted it, failed otherwise; the type of error, never its values."""
    if isinstance(error, Exception):
        text = f"{type(error).__name__} was raised before a version was recorded; nothing was registered."
        journal.write(Entry(Event.TRAINING_FAILED, data.training_set_id, model, "Training abandoned", text, None))
        return
    text = f"{type(error).__name__} stopped the training before a version was recorded; nothing was registered."
    journal.write(Entry(Event.TRAINING_STOPPED, data.training_set_id, model, "Training stopped", text, None))
