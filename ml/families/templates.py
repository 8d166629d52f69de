"""Which template serves a prompt: by its intent, re-ranked by feedback; and its slots filled from the prompt. Pure.

Values found in a prompt go into the filled text alone: they are never kept, counted or logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.families.terms import K_PEOPLE
from ml.intervals import Codes, Floats

SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
PRIOR_JUDGEMENTS = 10.0

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
KINDS: Mapping[str, re.Pattern[str]] = {  # in the order in which a piece of text is claimed
    "quoted": re.compile(r"[\"“]([^\"”\n]{1,200})[\"”]"),
    "date": re.compile(
        rf"\b(\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|{_MONTH} \d{{1,2}}(?:, ?\d{{4}})?|"
        rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?: \d{{4}})?|(?:next |this |last )?{_DAY}|today|tomorrow|"
        r"yesterday|(?:next|this|last) (?:week|month|quarter|year))(?!\w)", re.I,
    ),
    "amount": re.compile(
        r"((?:[$€£] ?\d[\d,]*(?:\.\d+)?)|(?:\b\d[\d,]*(?:\.\d+)? ?(?:usd|eur|gbp|dollars?|euros?)\b))", re.I,
    ),
    "percent": re.compile(r"\b(\d+(?:\.\d+)? ?(?:%|percent\b))", re.I),
    "duration": re.compile(r"\b(\d+(?:\.\d+)? ?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?))\b", re.I),
    "format": re.compile(r"\b(csv|json|xlsx|excel|pdf|markdown|html|docx|parquet|xml|bullet points?|table)\b", re.I),
    "number": re.compile(r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)(?![\w%])"),
    "topic": re.compile(
        r"\b(?:about|on|regarding|for the) ((?:[^\W\d_]+[ -]?){1,4}?)(?=$|[.,;:!?]| (?:by|for|in|with|as|and)\b)",
        re.I,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places {name} or {name:kind}, kinds as in KINDS, for prompts of one intent."""

    name: str
    intent: str
    body: str

    @property
    def slots(self) -> tuple[tuple[str, str], ...]:
        """(name, kind) of each place in order; a place without a kind is of the kind of its name."""
        return tuple((m[1], m[2] or m[1]) for m in SLOT.finditer(self.body))


@dataclass(frozen=True, slots=True)
class Filled:
    """A template's text with what the prompt gave, and the places that it left open."""

    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """How a template did, as marts.mart_prompt_templates has it: judged answers, the share that was good, people."""

    n_judged: int
    success_rate: float
    n_people: int


def fill(template: Template, prompt: str) -> Filled:
    """The template, each place filled by the next value of its kind in the prompt; others stay open and are named."""
    values = {kind: iter(found) for kind, found in values_of(prompt).items()}
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        found = next(values.get(match[2] or match[1], iter(())), None)
        if found is None:
            missing.append(match[1])
            return match[0]
        return found

    return Filled(SLOT.sub(value, template.body), tuple(missing))


def values_of(prompt: str) -> dict[str, list[str]]:
    """The values of each kind in a prompt, in its order; a piece of text is claimed by the first kind that fits."""
    left, found = prompt, dict[str, list[str]]()
    for kind, pattern in KINDS.items():
        found[kind] = [match[1].strip() for match in pattern.finditer(left)]
        left = pattern.sub(lambda m: "\x00" * len(m[0]), left)
    return found


def rank(
    intents: Sequence[str], chances: Floats, templates: Sequence[Template], feedback: Mapping[str, Feedback]
) -> Codes:
    """Places of the templates for each prompt, best first: (n, templates).

    chances: P(intent) (n, intents). A template's worth is P(its intent) times its success rate, drawn to the mean of
    all by PRIOR_JUDGEMENTS judgements; feedback of fewer than K_PEOPLE people counts as none. The name decides a tie.
    """
    place = {intent: at for at, intent in enumerate(intents)}
    of_intent = np.array([place.get(template.intent, -1) for template in templates], dtype=np.int64)
    likely = np.where(of_intent >= 0, np.asarray(chances)[:, of_intent], 0.0)
    worth = likely * success_rates(templates, feedback)
    by_name = np.argsort([template.name for template in templates], kind="stable")
    order = np.argsort(-worth[:, by_name], axis=1, kind="stable")
    return by_name[order].astype(np.int64)


def success_rates(templates: Sequence[Template], feedback: Mapping[str, Feedback]) -> Floats:
    """The success rate of each template (t,), drawn to the mean of all judged; 1 for each where nothing was judged."""
    known = [feedback.get(template.name) for template in templates]
    counted = [f if f is not None and f.n_people >= K_PEOPLE else None for f in known]
    n = np.array([f.n_judged if f else 0 for f in counted], dtype=np.float64)
    good = np.array([f.n_judged * f.success_rate if f else 0.0 for f in counted])
    if n.sum() == 0:
        return np.ones(len(templates))
    return np.asarray((good + PRIOR_JUDGEMENTS * good.sum() / n.sum()) / (n + PRIOR_JUDGEMENTS))


def reciprocal_ranks(ranked: Codes, wanted: Sequence[int]) -> Floats:
    """1 / place of the wanted template of each prompt (n,), among all templates."""
    return np.asarray(1.0 / (1 + (ranked == np.asarray(wanted)[:, None]).argmax(axis=1)))
