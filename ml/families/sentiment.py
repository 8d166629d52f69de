"""The sentiment of a text from a small English lexicon of our own, -1 to 1. Nothing is learned, nothing is kept.

For a text that is at hand, of a person who typed it; Lethe itself holds prompts as vectors only, and for those
answers.py learns from what events say. Sums are squeezed as x / sqrt(x^2 + 15), after VADER (Hutto & Gilbert, ICWSM
2014), whose words are not used here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from ml.intervals import Floats

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[!?]+")
SQUEEZE = 15.0
NEGATED = -0.75
REACH = 3  # words before a word of the lexicon that may negate or strengthen it
BUT = 0.5  # what stands before a "but" counts half, what stands after it one and a half times


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


STRONG_GOOD = _set(
    "amazing awesome brilliant excellent exceptional fantastic flawless incredible love loved loves outstanding "
    "perfect perfectly superb thrilled wonderful"
)
GOOD = _set(
    "accurate appreciate appreciated beautiful best better clean clear clever convenient correct delighted easy "
    "effective efficient elegant enjoy enjoyed fast fine fixed friendly glad good great grateful happy helped helpful "
    "helps impressed impressive improved improvement intuitive kind like liked likes nice pleasant pleased polite "
    "precise quick quickly recommend reliable resolved right safe satisfied simple smooth smoothly solved success "
    "successful thank thanks thankful useful valuable welcome well win works working"
)
BAD = _set(
    "annoyed annoying bad blocked boring bug buggy bugs cancel cannot complain complaint complicated concern "
    "concerned confused confusing crash crashed crashes damaged declined delay delayed difficult disappointed "
    "disappointing error errors expensive fail failed failing fails failure fault faulty fear fraud frustrated "
    "frustrating hard inaccurate incorrect irrelevant issue issues lacking late lost mess missing mistake mistakes "
    "negative overpriced pain painful pending poor poorly problem problems refuse rejected rude sad scam slow slowly "
    "sorry stolen struggling stuck terrified tired trouble ugly unable unacceptable unclear unhappy unhelpful unusable "
    "upset useless vague waste wasted weak worried wrong"
)
STRONG_BAD = _set(
    "abysmal angry appalling awful broken disaster disgusting dreadful furious garbage hate hated hates horrendous "
    "horrible infuriating nightmare outrageous pathetic ridiculous terrible worst worthless"
)
NEGATIONS = _set(
    "no not never none nobody nothing neither nor without hardly barely ain't aren't can't cannot couldn't didn't "
    "doesn't don't hadn't hasn't haven't isn't shouldn't wasn't weren't won't wouldn't"
)
STRONGER = _set("absolutely completely deeply extremely highly incredibly really so such totally very")
WEAKER = _set("fairly kinda little mildly partly slightly somewhat")
WEIGHTS = {
    **dict.fromkeys(STRONG_GOOD, 3.0), **dict.fromkeys(GOOD, 1.8), **dict.fromkeys(BAD, -1.8),
    **dict.fromkeys(STRONG_BAD, -3.0),
}  # fmt: skip


def sentiments(texts: Sequence[str]) -> Floats:
    """Sentiment of each text (n,), -1 to 1; 0 where no word of the lexicon stands."""
    return np.array([_sentiment(text) for text in texts], dtype=np.float64)


def _sentiment(text: str) -> float:
    words = [word.casefold().replace("’", "'") for word in WORD.findall(text)]
    turn = next((at for at, word in enumerate(words) if word in {"but", "however"}), None)
    total = 0.0
    for at, word in enumerate(words):
        weight = _weight(words, at) if word in WEIGHTS else 0.0
        total += weight if turn is None else weight * (BUT if at < turn else 2 - BUT)
    total += math.copysign(min(sum(word.count("!") for word in words), 3) * 0.3, total) if total else 0.0
    return total / math.sqrt(total * total + SQUEEZE)


def _weight(words: list[str], at: int) -> float:
    """The weight of the word at a place, with what stands before it."""
    before = words[max(0, at - REACH) : at]
    weight = WEIGHTS[words[at]]
    weight *= 1.3 ** sum(word in STRONGER for word in before) * 0.7 ** sum(word in WEAKER for word in before)
    return weight * NEGATED if any(word in NEGATIONS for word in before) else weight
