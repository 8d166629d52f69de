"""The model card of a next-action version: what it does and how well, for a person who is no engineer."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from ml.families.terms import K_PEOPLE
from ml.next_action import telling
from ml.pages import page, paragraph, pictures, table

if TYPE_CHECKING:
    from ml.next_action.measures import Report
    from ml.next_action.training import Fitted

LABELS = {
    "hr_1": "The step that was taken stood first",
    "hr_3": "It stood among the first three",
    "hr_5": "It stood among the first five",
    "ndcg_3": "Among the first three, the higher the better (NDCG@3)",
    "ndcg_5": "Among the first five, the higher the better (NDCG@5)",
    "mrr": "One over the place where it stood, on average (MRR)",
}


def render(fitted: Fitted, made_from: Mapping[str, str], shown: Mapping[str, bytes]) -> str:
    """The whole page, pictures inside."""
    report, training_set = fitted.report, fitted.training_set
    sections = [
        f"<h1>Next-action model: {escape(fitted.rung)}</h1>",
        paragraph(
            "Of a session that has begun it states which step comes next, likeliest first. It is there to suggest, "
            "and must not decide anything about a person. It knows steps, no texts, and nobody's name."
        ),
        "<h2>How well it does</h2>",
        paragraph(f"On sessions that began after all it learned from: {telling.evaluated(report)}."),
        _measures(report),
        paragraph(
            f"Its probability of the step told first is off by {report.ece:.3f} on average (ten bins by probability)."
        ),
        "<h2>Where it is weaker</h2>",
        table(
            ("Part of the later steps", "Steps", "MRR with 95 % interval"),
            [(item.name, f"{item.n_rows:,}", str(item.figure)) for item in report.slices],
        ),
        "<h2>What it tells of those it learned from</h2>",
        paragraph(_given_away(report)),
        *pictures(shown),
        "<h2>Why this model</h2>",
        paragraph(telling.selected(fitted.ladder)),
        "<h2>What it learned from</h2>",
        paragraph(telling.frozen(training_set)),
        table(("Origin", "Value"), sorted(made_from.items())),
    ]
    return page("Next-action model card", sections)


def _measures(report: Report) -> str:
    head = ("Figure", "This model, 95 % interval", report.baseline.capitalize(), "Difference, paired over people")
    rows = [
        (label, str(item.model), str(item.other), str(item.gain))
        for name, label in LABELS.items()
        if (item := report.measures.get(name))
    ]
    return table(head, rows)


def _given_away(report: Report) -> str:
    told = report.membership
    text = f"Its tables hold counts of what at least {K_PEOPLE} people did, and no session. "
    if told is None:
        return text + "Whether somebody can tell who was learned from was not measured: too few people."
    return text + (
        f"Somebody who tries to tell from its probabilities who was learned from is right {told.auc:.0%} of the time "
        f"where a coin is right 50 %, and names {told.true_alarms:.1%} of {told.n_people} people with one false alarm "
        "in a hundred, where chance names 1.0%. Measured on models of half of some people, which remember more."
    )
