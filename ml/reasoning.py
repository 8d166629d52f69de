"""Why a decision was taken, as a sentence computed from the figures it rests on. Pure text; nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml.diagnosis import TrainingFigures, best_iteration

if TYPE_CHECKING:
    from ml.churn import Ladder, Rung
    from ml.evaluation import Evaluation
    from ml.measurement import Measurement
    from ml.slices import Slice

LEAK_AUC = 0.98
ECE_WARNING = 0.05
SLICE_FLOOR = 0.6


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong that the figures show: what was concluded, why, and the figures themselves."""

    decision: str
    reasoning: str
    metrics: Mapping[str, float]


def dataset_frozen(manifest: Mapping[str, Any]) -> str:
    rows, cutoffs, bots = manifest["n_rows"], manifest["cutoffs"], manifest["n_bot_rows"]
    return (
        f"{rows['train']} rows of {len(cutoffs['train'])} cutoffs up to {cutoffs['train'][-1]} to learn from, "
        f"{rows['test']} rows of {len(cutoffs['test'])} cutoffs from {cutoffs['test'][0]} to test on; "
        f"{rows['purged']} rows left out because their horizon reaches into the test period; "
        f"{bots['train'] + bots['test']} rows of bots are marked; {manifest['n_subjects']} subjects."
    )


def training_started(n_rows: int, n_bots: int, share: float, n_features: int, rungs: Sequence[str]) -> str:
    return (
        f"{n_rows} rows and {n_features} features, {share:.1%} of them churned ({_ratio(share)} per stayer); "
        f"{n_bots} rows of bots excluded. Tabular and {_size(n_rows)}, so {', '.join(rungs)} are compared in this "
        "order of cost; the dearer one must earn its place."
    )


def rung_measured(rung: Rung) -> str:
    auc, gain = rung.evaluation.figures["auc_roc"], rung.gain
    text = f"{rung.name}: AUC {auc} on rows of subjects it never saw, {rung.train_auc:.4f} on rows it learned from"
    return text + (f"; gain over the rung before {gain}." if gain else "; the floor every rung must beat.")


def rung_selected(ladder: Ladder) -> str:
    lost = [r for r in ladder.rungs if r.name != ladder.chosen]
    parts = [f"{r.name} {r.evaluation.figures['auc_roc'].value:.4f}" for r in lost]
    chosen = ladder.rung(ladder.chosen)
    why = (
        "no rung gained with a lower 95 % bound above 0" if chosen.gain is None
        else f"its gain {chosen.gain} over the cheaper rung has a lower 95 % bound above 0"
    )  # fmt: skip
    return (
        f"{chosen.name} taken with AUC {chosen.evaluation.figures['auc_roc'].value:.4f}: {why}. "
        f"Compared with {', '.join(parts)}. Chosen inside the training period; the test rows were not used."
    )


def settings_fixed(name: str, ladder: Ladder) -> str:
    return (
        f"Fixed settings for {name}; nothing was tuned on test rows. A subject counts as churning from probability "
        f"{ladder.threshold:.4f}, where F1 is largest on the validation folds."
    )


def evaluated(test: Evaluation, recency: Evaluation | None) -> str:
    auc, ece = test.figures["auc_roc"], test.figures["ece"]
    against = "" if recency is None else f" Recency alone reaches {recency.figures['auc_roc'].value:.4f}."
    return (
        f"AUC {auc} on {test.n_rows} later rows of {test.n_subjects} subjects, {test.n_positive} of them churned; "
        f"stated probabilities are off by {ece.value:.4f} on average.{against}"
    )


def went(seen: TrainingFigures) -> str:
    """How the fits of the folds went: when held-out loss was lowest, or whether the solver finished."""
    curves = [(best, len(fold.validation_losses)) for fold in seen.folds if (best := best_iteration(fold)) is not None]
    finished = [fold.finished for fold in seen.folds if fold.finished is not None]
    if curves:
        places = ", ".join(f"{best} of {n}" for best, n in curves)
        return f"Loss on rows held out was lowest at point {places} of its curve, a fold each; the number is fixed."
    if finished:
        return f"The solver met its own criterion in {sum(finished)} of {len(finished)} folds."
    return f"{len(seen.folds)} folds fitted; this learner has no iterations to look at."


def find_issues(report: Measurement) -> list[Issue]:
    """What the figures on later rows break, worst first; how it was learnt is told by ml.diagnosis."""
    test = report.evaluation
    auc = test.figures["auc_roc"].value
    return [
        *_too_good(auc),
        *_slice_issues(test, report.slices),
        *_reliability_issues(test),
        *_baseline_issues(auc, report.recency),
    ]


def _reliability_issues(test: Evaluation) -> list[Issue]:
    ece = test.figures["ece"].value
    if ece <= ECE_WARNING:
        return []
    return [Issue("Miscalibration", f"ECE {ece:.4f} is above {ECE_WARNING}; probabilities mislead.", {"ece": ece})]


def _baseline_issues(auc: float, recency: Evaluation | None) -> list[Issue]:
    alone = None if recency is None else recency.figures["auc_roc"].value
    if alone is None or auc > alone:
        return []
    text = f"AUC {auc:.4f} does not exceed recency alone, {alone:.4f}; the other features add nothing."
    return [Issue("No gain over recency", text, {"auc_roc": auc, "auc_recency": alone})]


def _too_good(auc: float) -> list[Issue]:
    if auc <= LEAK_AUC:
        return []
    text = f"Test AUC {auc:.4f} is above {LEAK_AUC}, better than churn can be known; look for a leaked target."
    return [Issue("Suspiciously good", text, {"auc_roc": auc})]


def _slice_issues(test: Evaluation, slices: Sequence[Slice]) -> list[Issue]:
    overall = test.figures["auc_roc"].value
    weak = [s for s in slices if s.n_rows >= 200 and s.figure.high < SLICE_FLOOR]
    return [
        Issue(
            "Weak slice",
            f"{s.name}: AUC {s.figure} on {s.n_rows} rows, surely below {SLICE_FLOOR}; overall {overall:.4f}.",
            {"auc_roc": s.figure.value, "n_rows": float(s.n_rows)},
        )
        for s in weak
    ]


def _ratio(share: float) -> str:
    return "all churned" if share >= 1 else f"{share / (1 - share):.2f}"


def _size(n_rows: int) -> str:
    return "small" if n_rows < 5_000 else "of moderate size" if n_rows < 1_000_000 else "large"
