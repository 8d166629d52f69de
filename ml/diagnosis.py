"""What probably went wrong in a training, named from its figures. Pure: it trains nothing and reads no row.

A problem shows in several figures at once: rows that leak are learnt well, few leavers make any figure jump. So causes
are asked for in an order, those that explain others first, and the first that answers is the probable one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What a training may suffer from; there are no others."""

    LEAKAGE = "leakage"
    DRIFT = "drift between splits"
    IMBALANCE = "class imbalance"
    OVERFITTING = "overfitting"
    NON_CONVERGENCE = "non-convergence"
    INSTABILITY = "instability"


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of the rows held out, n_positive of n_rows: what a model says of it and of the rows it learnt from.

    Losses are log losses a row; the curves one an iteration, empty where the learner has no iterations to look at.
    rare_recall: share of the rarer class that gets a probability of its own above one half. finished: whether the
    learner stopped by itself and not at its limit; None where it does not say.
    """

    n_rows: int
    n_positive: int
    train_auc: float
    validation_auc: float
    validation_loss: float
    rare_recall: float
    train_losses: tuple[float, ...] = ()
    validation_losses: tuple[float, ...] = ()
    finished: bool | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """The same model on rows of a later time; shifts: Kolmogorov-Smirnov distance of each feature from before."""

    n_rows: int
    n_positive: int
    auc: float
    loss: float
    shifts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainingFigures:
    """Everything a cause is told from. associations: AUC of each feature alone, in its better direction; n_shared:
    people with rows on both sides of a fold; later is None where there are no later rows."""

    folds: tuple[Fold, ...]
    associations: Mapping[str, float]
    n_shared: int
    later: Later | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure is a problem. Chosen with `python -m benchmarks.diagnosis`, on seeds that no test uses."""

    leak_auc: float = 0.98
    leak_alone: float = 0.85
    leak_lead: float = 0.14
    fall_auc: float = 0.06
    rise_of_loss: float = 0.25
    share_move: float = 0.15
    rare_share: float = 0.08
    rare_recall: float = 0.25
    gap_auc: float = 0.17
    turn_of_loss: float = 0.15
    still_falling: float = 0.10
    jump_of_loss: float = 0.15
    spread_auc: float = 0.05
    errors: float = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause with the sentence that says why, and the figures in it."""

    cause: Cause
    reasoning: str
    metrics: Mapping[str, float]


def diagnose(seen: TrainingFigures, limits: Limits | None = None) -> tuple[Finding, ...]:
    """Every cause that the figures speak for, the most probable one first; none where the training looks healthy."""
    found: dict[Cause, Finding] = {}
    for rule in RULES:
        if (finding := rule(seen, limits or Limits())) is not None:
            found.setdefault(finding.cause, finding)
    return tuple(found.values())


def leakage(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """A feature that knows the outcome, people on both sides of a fold, or a model too good to be true."""
    if seen.n_shared:
        text = f"{seen.n_shared} people have rows on both sides of a fold; rows held out say nothing. Split by person."
        return Finding(Cause.LEAKAGE, text, {"n_shared": float(seen.n_shared)})
    ranked = sorted(seen.associations.items(), key=lambda item: -item[1])
    (name, alone), (_, second) = [*ranked, ("no feature", 0.5), ("no feature", 0.5)][:2]
    figures = {"strongest_auc": alone, "second_auc": second}
    if alone > limits.leak_auc or (alone > limits.leak_alone and alone - second > limits.leak_lead):
        text = (
            f"{name} alone separates the classes with AUC {alone:.4f}, the next feature with {second:.4f}; it probably "
            "holds the target or is measured after the cutoff. Check its time window."
        )
        return Finding(Cause.LEAKAGE, text, figures)
    if (auc := _mean(fold.validation_auc for fold in seen.folds)) > limits.leak_auc:
        text = f"AUC {auc:.4f} on rows held out is better than the outcome can be known; look for a leaked target."
        return Finding(Cause.LEAKAGE, text, {**figures, "validation_auc": auc})
    return None


def drift(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """The model ranks later rows worse than rows held out, or its probabilities there are off."""
    if (later := seen.later) is None:
        return None
    auc = _mean(fold.validation_auc for fold in seen.folds)
    loss = _mean(fold.validation_loss for fold in seen.folds)
    error = math.hypot(_auc_error(later.auc, later.n_positive, later.n_rows), _mean_error(seen.folds))
    share, now = _share(seen.folds), later.n_positive / later.n_rows
    rise = later.loss / max(loss, 1e-9) - 1 if loss < _entropy(share) else 0.0  # worse than the share: nothing to lose
    n_rarer = min(later.n_positive, later.n_rows - later.n_positive)
    fell = auc - later.auc > max(limits.fall_auc, limits.errors * error)
    rose = rise > max(limits.rise_of_loss, limits.errors / math.sqrt(max(n_rarer, 1)))
    if not fell and not rose and abs(now - share) <= limits.share_move:
        return None
    name, moved = max(later.shifts.items(), key=lambda item: item[1], default=("no feature", 0.0))
    text = (
        f"AUC {auc:.4f} on rows held out and {later.auc:.4f} on later ones, log loss {loss:.4f} and {later.loss:.4f}; "
        f"{now:.1%} of the later rows are positive, {share:.1%} of those before; {name} moved most, by {moved:.2f} of "
        "1. Train on later rows or leave the feature out."
    )
    figures = {"validation_auc": auc, "later_auc": later.auc, "validation_loss": loss, "later_loss": later.loss}
    return Finding(Cause.DRIFT, text, {**figures, "largest_shift": moved})


def imbalance(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """So few rows of one class that the model hardly ever says it."""
    share = min(_share(seen.folds), 1 - _share(seen.folds))
    recall = _mean(fold.rare_recall for fold in seen.folds)
    if share >= limits.rare_share or recall >= limits.rare_recall:
        return None
    text = (
        f"{share:.2%} of the rows are of the rarer class, and the model names {recall:.1%} of them; it does well by "
        "ignoring them. Weigh the classes, take the threshold from validation rows, judge by precision and recall."
    )
    return Finding(Cause.IMBALANCE, text, {"rare_share": share, "rare_recall": recall})


def divergence(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """The loss on the very rows that are learnt jumps up again, or is no number any more."""
    jumps = [_jump(fold.train_losses) for fold in seen.folds if len(fold.train_losses) > 1]
    if not jumps or max(jumps) <= limits.jump_of_loss:
        return None
    text = (
        f"the loss on rows learnt from rises by up to {max(jumps):.2f} of what it had at first, in one of "
        f"{len(jumps)} folds or more; steps are too large. Lower the learning rate."
    )
    return Finding(Cause.INSTABILITY, text, {"largest_jump": max(jumps)})


def overfitting(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """Much better on rows learnt from than on rows held out, or held-out loss that turns up while the other falls."""
    train = _mean(fold.train_auc for fold in seen.folds)
    valid = _mean(fold.validation_auc for fold in seen.folds)
    turn = _mean(_turn(fold.validation_losses) for fold in seen.folds)
    gap = max(limits.gap_auc, limits.errors * _mean_error(seen.folds))
    if train - valid <= gap and turn <= limits.turn_of_loss:
        return None
    curve = f"; the loss on rows held out ends {turn:.0%} above its lowest" if turn > 0 else ""
    text = (
        f"AUC falls from {train:.4f} on rows learnt from to {valid:.4f} on rows held out{curve}. "
        "Stop earlier, take a simpler model, or find more people."
    )
    return Finding(Cause.OVERFITTING, text, {"train_auc": train, "validation_auc": valid, "turn_of_loss": turn})


def non_convergence(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """The learner was stopped at its limit, or the loss on rows held out was still falling when it ended."""
    falling = _mean(_still_falling(fold.validation_losses) for fold in seen.folds)
    cut = sum(fold.finished is False for fold in seen.folds)
    if not cut and falling <= limits.still_falling:
        return None
    curve = f"the last quarter of the iterations still took {falling:.0%} of the whole fall in loss"
    limit = f"{cut} of {len(seen.folds)} fits ended at their limit of iterations"
    text = f"{limit if cut else curve}. Allow more iterations, scale the features, or take larger steps."
    return Finding(Cause.NON_CONVERGENCE, text, {"still_falling": falling, "n_cut": float(cut)})


def spread(seen: TrainingFigures, limits: Limits) -> Finding | None:
    """Folds differ by more than their sizes explain."""
    aucs = [fold.validation_auc for fold in seen.folds]
    mean = _mean(aucs)
    sd = math.sqrt(sum((auc - mean) ** 2 for auc in aucs) / max(len(aucs) - 1, 1))
    error = _mean(_auc_error(mean, fold.n_positive, fold.n_rows) for fold in seen.folds)
    if sd <= max(limits.spread_auc, limits.errors * error):
        return None
    text = (
        f"AUC on rows held out lies between {min(aucs):.4f} and {max(aucs):.4f} over {len(aucs)} folds, a standard "
        f"deviation of {sd:.4f} where their sizes explain {error:.4f}. Which people are learnt from decides; find more."
    )
    return Finding(Cause.INSTABILITY, text, {"fold_sd": sd, "expected_sd": error})


Rule = Callable[[TrainingFigures, Limits], Finding | None]
RULES: tuple[Rule, ...] = (leakage, divergence, imbalance, drift, spread, overfitting, non_convergence)


def best_iteration(fold: Fold) -> int | None:
    """The iteration, from 1, after which the loss on rows held out is lowest; None without a curve."""
    curve = fold.validation_losses
    return 1 + min(range(len(curve)), key=curve.__getitem__) if curve else None


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _share(folds: Sequence[Fold]) -> float:
    return sum(fold.n_positive for fold in folds) / max(sum(fold.n_rows for fold in folds), 1)


def _entropy(share: float) -> float:
    """The log loss of saying the share of positive rows to everybody."""
    return -sum(part * math.log(part) for part in (share, 1 - share) if part > 0)


def _auc_error(auc: float, n_positive: int, n_rows: int) -> float:
    """Standard error of an AUC (Hanley & McNeil 1982, equation 1)."""
    n_negative = n_rows - n_positive
    if not n_positive or not n_negative:
        return 1.0
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread_of = auc * (1 - auc) + (n_positive - 1) * (one - auc * auc) + (n_negative - 1) * (two - auc * auc)
    return math.sqrt(max(spread_of, 0.0) / (n_positive * n_negative))


def _mean_error(folds: Sequence[Fold]) -> float:
    """Standard error of the mean AUC over folds."""
    errors = [_auc_error(fold.validation_auc, fold.n_positive, fold.n_rows) for fold in folds]
    return math.sqrt(sum(error**2 for error in errors)) / max(len(errors), 1)


def _jump(losses: Sequence[float]) -> float:
    """The largest rise of a loss over its lowest value so far, in parts of where it began; endless for no number."""
    if not all(math.isfinite(loss) for loss in losses):
        return math.inf
    lowest, jump = losses[0], 0.0
    for loss in losses:
        lowest, jump = min(lowest, loss), max(jump, loss - min(lowest, loss))
    return jump / max(losses[0], 1e-9)


def _turn(losses: Sequence[float]) -> float:
    """How far a loss ends above its lowest, in parts of the lowest."""
    return losses[-1] / max(min(losses), 1e-9) - 1 if losses else 0.0


def _still_falling(losses: Sequence[float]) -> float:
    """The part of a loss's whole fall that its last quarter made; 0 where it does not end at its lowest."""
    if len(losses) < 4 or losses[-1] > min(losses):
        return 0.0
    whole = losses[0] - losses[-1]
    return (losses[-1 - len(losses) // 4] - losses[-1]) / whole if whole > 0 else 0.0
