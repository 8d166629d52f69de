"""What the journal and people are told of a next-action training, with its figures. Sentences only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.families.terms import K_PEOPLE
from ml.journal import Entry, Event, Journal
from ml.next_action.sessions import MODEL

if TYPE_CHECKING:
    from ml.next_action.measures import Report
    from ml.next_action.rungs import Ladder
    from ml.next_action.sessions import StepSet
    from ml.next_action.training import Fitted


def frozen(training_set: StepSet) -> str:
    """What the set is made of."""
    manifest = training_set.manifest
    counts, days = manifest["n_rows"], manifest["cutoffs"]
    return (
        f"{counts['train']:,} sessions known before {days['test_from']} to learn from, {manifest['n_asked']:,} next "
        f"steps of {counts['test']:,} later ones to be judged on, known before {days['cutoff_on']}; "
        f"{manifest['n_subjects']:,} people. Left out: {counts['bots']:,} sessions of bots, {counts['purged']:,} that "
        f"the day of the split cuts, {counts['thinned']:,} of people beyond what is learned from."
    )


def started(journal: Journal, training_set: StepSet) -> None:
    name, counts = training_set.training_set_id, training_set.manifest["n_rows"]
    figures = {f"n_sessions_{part}": n for part, n in counts.items()}
    decision = "Sessions frozen and split by time"
    journal.write(Entry(Event.DATASET_PREPROCESSED, name, None, decision, frozen(training_set), figures))
    text = (
        "Compared on people left out: a Markov chain of the step before, a mixture of counts of several views, and a "
        f"recurrent network where PyTorch is. A step of fewer than {K_PEOPLE} people is in none."
    )
    journal.write(Entry(Event.TRAINING_STARTED, name, MODEL, "Ladder of models", text, figures))


def finished(journal: Journal, fitted: Fitted) -> None:
    name, gain = fitted.training_set.training_set_id, fitted.ladder.gain
    figures = {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
    decision = f"{fitted.rung} selected"
    journal.write(Entry(Event.ALGORITHM_SELECTED, name, fitted.rung, decision, selected(fitted.ladder), figures))
    settings = {k: v for k, v in fitted.model.get_params().items() if isinstance(v, int | float | str)}
    text = "Fixed: chosen on public sequences of pages, never on the sessions of this home."
    journal.write(Entry(Event.HYPERPARAMETERS_SET, name, fitted.rung, "Settings used", text, settings))
    text = f"Compared and learned in {fitted.seconds:.1f} s, the attack on membership among it."
    seconds = {"seconds": fitted.seconds}
    journal.write(Entry(Event.TRAINING_COMPLETED, name, fitted.rung, "Training finished", text, seconds))
    values = {measure: item.model.value for measure, item in fitted.report.measures.items()}
    text = evaluated(fitted.report)
    journal.write(Entry(Event.MODEL_EVALUATED, name, fitted.rung, "Measured on later sessions", text, values))


def selected(ladder: Ladder) -> str:
    """Which rung was chosen and why, in words."""
    gain, taken = ladder.gain, ladder.chosen
    return (
        f"On people left out the mixture of counts has an MRR of {ladder.mixture}, the Markov chain {ladder.chain}: "
        f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]. {_of_network(ladder)} A dearer model is taken where "
        f"the lower bound is above 0, so the {taken} is."
    )


def _of_network(ladder: Ladder) -> str:
    if ladder.network is None or ladder.network_gain is None:
        return "No recurrent network was tried: PyTorch (the extra `deep`) is not installed."
    gain = ladder.network_gain
    return (
        f"A recurrent network has {ladder.network}, beside the better of them {gain.value:+.4f} "
        f"[{gain.low:+.4f}, {gain.high:+.4f}]."
    )


def evaluated(report: Report) -> str:
    """How the model does beside its baseline, in words."""
    first, mean = report.measures["hr_1"], report.measures["mrr"]
    return (
        f"the step taken stood first in {first.model.value:.1%} of {report.n_asked:,} cases of {report.n_people:,} "
        f"people, by {report.baseline} in {first.other.value:.1%}; MRR {mean.model}, by {report.baseline} "
        f"{mean.other.value:.4f}, difference {mean.gain.value:+.4f} [{mean.gain.low:+.4f}, {mean.gain.high:+.4f}]"
    )
