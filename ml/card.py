"""The model card: one HTML page that tells a person who is no engineer what a model does and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ml import reasoning
from ml.inversion import N_COLUMNS
from ml.pages import page, paragraph, table
from ml.pages import pictures as inside

if TYPE_CHECKING:
    from ml.evaluation import Evaluation
    from ml.training import Fitted

LABELS = {
    "auc_roc": "Ranks a leaver above a stayer (AUC; 0.5 is a coin, 1 is perfect)",
    "auc_pr": "Precision over all recalls (AUC-PR)",
    "precision": "Of those named, the share that did leave",
    "recall": "Of those who left, the share named",
    "f1_score": "Both in one figure (F1)",
    "accuracy": "Share of right answers",
    "ece": "How far stated probabilities are off, on average",
    "brier": "Squared error of the probability (Brier)",
    "log_loss": "Log loss",
    "prevalence": "Share that left",
}


def render(
    fitted: Fitted, shares: Sequence[tuple[str, float]], made_from: Mapping[str, str], pictures: Mapping[str, bytes]
) -> str:
    """The whole page, pictures inside."""
    report, manifest = fitted.report, fitted.training_set.manifest
    sections = [
        f"<h1>Churn model: {escape(fitted.ladder.chosen)}</h1>",
        paragraph(
            "For every active user it states the probability that no event will follow within the next "
            f"{manifest['policy']['horizon_days']} days. It supports people who look after customers. It must not "
            "decide anything about a person on its own."
        ),
        "<h2>How well it does</h2>",
        paragraph(reasoning.evaluated(report.evaluation, report.recency)),
        _metrics(report.evaluation, report.recency),
        "<h2>Where it is weaker</h2>",
        table(
            ("Part of the users", "Rows", "AUC with 95 % interval"),
            [(item.name, str(item.n_rows), str(item.figure)) for item in report.slices],
        ),
        "<h2>What it tells of those it learned from</h2>",
        paragraph(_membership(fitted)),
        paragraph(_inversion(fitted)),
        "<h2>Bots</h2>",
        paragraph(_bots(fitted)),
        "<h2>What it looks at</h2>",
        table(("Feature", "AUC lost without it"), [(name, f"{value:.4f}") for name, value in shares[:10]]),
        *inside(pictures),
        "<h2>Why this model</h2>",
        paragraph(reasoning.rung_selected(fitted.ladder)),
        "<h2>What it learned from</h2>",
        paragraph(reasoning.dataset_frozen(manifest)),
        table(("Origin", "Value"), sorted(made_from.items())),
    ]
    return page("Churn model card", sections)


def _metrics(evaluation: Evaluation, recency: Evaluation | None) -> str:
    rows = []
    for name, label in LABELS.items():
        beside = "" if recency is None or not name.startswith("auc") else str(recency.figures[name])
        rows.append((label, str(evaluation.figures[name]), beside))
    return table(("Figure", "This model, 95 % interval", "Days since last event alone"), rows)


def _membership(fitted: Fitted) -> str:
    told = fitted.report.membership
    if told is None:
        return "Not measured: half of the people left one outcome only."
    return (
        f"Somebody who tries to tell from its scores who was learned from is right {told.auc:.0%} of the time where a "
        f"coin is right 50 %, and names {told.true_alarms:.1%} of {told.n_people} people with one false alarm in a "
        "hundred, where chance names 1.0%. Measured on models of half of the people, which remember more."
    )


def _inversion(fitted: Fitted) -> str:
    told = fitted.report.inversion
    if told is None:
        return "Whether it gives values away was not measured: no column has two ranges to guess from."
    return (
        f"Who knows all else of a person and guesses which of {told.n_values} ranges their {told.column} lies in is "
        f"right {told.by_imputer:.0%} of the time without the model, by how values of others go together, and asking "
        f"the model adds {told.gain.value:+.1%} [{told.gain.low:+.1%}, {told.gain.high:+.1%}]. The model alone: "
        f"{told.by_model:.0%}. Of the {N_COLUMNS} columns that move the score most, this is where it adds most."
    )


def _bots(fitted: Fitted) -> str:
    report, bots = fitted.report, fitted.training_set.manifest["n_bot_rows"]
    text = (
        f"{bots['train']} training rows and {bots['test']} test rows belong to bots. Counting them in the test moves "
        f"the AUC from {report.evaluation.figures['auc_roc'].value:.4f} to "
        f"{report.with_bots.figures['auc_roc'].value:.4f}."
    )
    if report.trained_with_bots is None:
        return text
    return text + (
        " Learning from them as well would give "
        f"{report.trained_with_bots.figures['auc_roc'].value:.4f} on the same people."
    )
