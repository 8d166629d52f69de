"""What can be counted in an answer beside its prompt: length, repetition, copying, form. Nothing is learned or kept."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

WORD = re.compile(r"\w+")
SENTENCE_END = (".", "!", "?", '"', "'", ")", "]", "”", "。")


def answer_features(prompts: Sequence[str], answers: Sequence[str]) -> pd.DataFrame:
    """One row of FEATURES for each answer (n,) to its prompt (n,). ValueError where their numbers differ."""
    rows = [_row(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    return pd.DataFrame(rows, columns=list(FEATURES), dtype="float64")


def answer_pairs(prompts: Sequence[str], first: Sequence[str], second: Sequence[str]) -> pd.DataFrame:
    """The features of both answers to each prompt, as preferences.PairPreference takes them."""
    sides = answer_features(prompts, first), answer_features(prompts, second)
    return pd.concat([sides[0].add_prefix("first_"), sides[1].add_prefix("second_")], axis=1)


def _row(prompt: str, answer: str) -> list[float]:
    asked, said = WORD.findall(prompt.casefold()), WORD.findall(answer.casefold())
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    return [measure(_Answer(prompt, answer, asked, said, lines)) for measure in FEATURES.values()]


class _Answer:
    """An answer with its words and lines, taken apart once."""

    __slots__ = ("answer", "asked", "lines", "prompt", "said")

    def __init__(self, prompt: str, answer: str, asked: list[str], said: list[str], lines: list[str]) -> None:
        self.prompt, self.answer, self.asked, self.said, self.lines = prompt, answer.strip(), asked, said, lines


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _most_repeated(text: _Answer, size: int) -> float:
    """The share of the words that its most frequent run of `size` words takes up, beyond the first time."""
    runs = Counter(tuple(text.said[at : at + size]) for at in range(len(text.said) - size + 1))
    most = max(runs.values(), default=1)
    return _share((most - 1) * size, len(text.said))


def _novelty(text: _Answer) -> float:
    known = set(text.asked)
    return _share(sum(word not in known for word in text.said), len(text.said))


def _copied(text: _Answer) -> float:
    """The share of the answer's runs of four words that stand in the prompt."""
    runs = [tuple(text.said[at : at + 4]) for at in range(len(text.said) - 3)]
    known = {tuple(text.asked[at : at + 4]) for at in range(len(text.asked) - 3)}
    return _share(sum(run in known for run in runs), len(runs))


FEATURES: Mapping[str, Callable[[_Answer], float]] = {
    "log_words": lambda t: math.log1p(len(t.said)),
    "log_words_squared": lambda t: math.log1p(len(t.said)) ** 2 / 5,
    "is_empty": lambda t: float(not t.said),
    "is_terse": lambda t: float(0 < len(t.said) <= 3),
    "log_words_over_prompt": lambda t: math.log1p(len(t.said)) - math.log1p(len(t.asked)),
    "log_lines": lambda t: math.log1p(len(t.lines)),
    "distinct_words": lambda t: _share(len(set(t.said)), len(t.said)),
    "repeated_lines": lambda t: _share(len(t.lines) - len(set(t.lines)), len(t.lines)),
    "repeated_pairs": lambda t: _most_repeated(t, 2),
    "repeated_runs": lambda t: _most_repeated(t, 5),
    "is_finished": lambda t: float(t.answer.endswith(SENTENCE_END)),
    "is_list": lambda t: float(len(t.lines) > 2),
    "digits": lambda t: _share(sum(c.isdigit() for c in t.answer), len(t.answer)),
    "markup": lambda t: _share(sum(c in "<>{}[]#|\\_`=" for c in t.answer), len(t.answer)),
    "not_ascii": lambda t: _share(sum(not c.isascii() for c in t.answer), len(t.answer)),
    "word_length": lambda t: _share(sum(map(len, t.said)), len(t.said)),
    "novelty": _novelty,
    "covered_prompt": lambda t: _share(len(set(t.asked) & set(t.said)), len(set(t.asked))),
    "copied": _copied,
    "is_echo": lambda t: float(bool(t.said) and " ".join(t.said) in " ".join(t.asked)),
    "starts_lower": lambda t: float(t.answer[:1].islower()),
    "first_person": lambda t: _share(sum(word in {"i", "me", "my", "we", "our"} for word in t.said), len(t.said)),
    "questions": lambda t: math.log1p(t.answer.count("?")),
    "exclamations": lambda t: math.log1p(t.answer.count("!")),
}
