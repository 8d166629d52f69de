"""Names of people in free text: rules over lists of names, and a tagger's marginals where one is at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from privacy.detection.findings import FULL_NAME, Finding, resolved
from privacy.detection.gazetteer import Gazetteer
from privacy.detection.lexicon import PARTICLES, TITLES
from privacy.detection.tagger import Tagger
from privacy.detection.tokens import Token, is_other, is_unit, listed, shape, tokens

# Least marginal of a word inside a name. On the tuning texts: recall .865, precision .709 (at .4: .837, .754).
TAGGED = 0.2
MAX_WORDS = 5
_JOINS = PARTICLES | {"."}


@dataclass(frozen=True, slots=True)
class NameFinder:
    """Finds names by the lists alone, or by the lists and a tagger."""

    gazetteer: Gazetteer
    tagger: Tagger | None = None

    def find(self, text: str) -> list[Finding]:
        """Names as spans that do not overlap, in order; titles (Mr, Dr) are no part of a name."""
        found = tokens(text)
        if not found:
            return []
        tagged = list(_tagged(found, self.tagger)) if self.tagger else []
        ruled = list(_ruled(found, self.gazetteer))
        free = [r for r in ruled if not any(r.overlaps(t) for t in tagged)]
        return resolved([*tagged, *free])


def _tagged(found: Sequence[Token], tagger: Tagger) -> Iterator[Finding]:
    """Runs of words whose marginal of being in a name reaches TAGGED; a likely beginning starts a new name."""
    chances = tagger.name_chances(list(found))
    at = 0
    while at < len(found):
        if sum(chances[at]) < TAGGED:
            at += 1
            continue
        end = at + 1
        while end < len(found) and sum(chances[end]) >= TAGGED and chances[end][1] > chances[end][0]:
            end += 1
        last = end
        while last > at and not found[last - 1].word[0].isalpha():
            last -= 1
        while last > at and is_unit(found[last - 1].word):
            last -= 1
        last = _grown(found, at, last, tagger.gazetteer)
        if last > at and not is_other(found[last - 1].word) and any(len(t.word) > 1 for t in found[at:last]):
            confidence = sum(sum(chance) for chance in chances[at:last]) / (last - at)
            yield Finding(FULL_NAME, found[at].start, found[last - 1].end, round(min(confidence, 1.0), 3))
        at = end


def _grown(found: Sequence[Token], at: int, last: int, words: Gazetteer) -> int:
    """A lone given name takes the word after it along: the tagger is shy of family names that no list holds."""
    if last - at != 1 or last >= len(found) or found[last].start - found[last - 1].end != 1:
        return last
    after = found[last].word
    alike = shape(after) in ("Xx", "Xx-") or (shape(after) == shape(found[at].word) == "x" and len(after) > 3)
    is_name = alike and "C" not in listed(after, words) and not is_other(after) and not is_unit(after)
    return last + 1 if is_name and "F" in listed(found[at].word, words) else last


def _ruled(found: Sequence[Token], words: Gazetteer) -> Iterator[Finding]:
    """A title or a listed given name, and the capitalised words that follow it."""
    shapes = [shape(token.word) for token in found]
    at = 0
    while at < len(found):
        begin = _after_title(found, at)
        titled = begin > at
        if begin >= len(found) or not _is_capitalised(shapes[begin]):
            at += 1
            continue
        end = _end_of_name(found, shapes, begin)
        confidence = _rule_confidence([listed(token.word, words) for token in found[begin:end]], titled=titled)
        if confidence:
            yield Finding(FULL_NAME, found[begin].start, found[end - 1].end, confidence)
        at = end


def _after_title(found: Sequence[Token], at: int) -> int:
    if found[at].word.lower() not in TITLES or not found[at].word[0].isupper():
        return at
    at += 1
    return at + 1 if at < len(found) and found[at].word == "." else at


def _is_capitalised(form: str) -> bool:
    return form in ("Xx", "Xx-", "XX")


def _end_of_name(found: Sequence[Token], shapes: Sequence[str], begin: int) -> int:
    """One past the last word: capitalised words, initials and particles that stand a space apart."""
    end = begin + 1
    for at in range(begin + 1, min(begin + MAX_WORDS, len(found))):
        if found[at].start - found[at - 1].end > 1 or found[at].word == "\n":
            break
        if _is_capitalised(shapes[at]) and found[at].word.lower() not in TITLES:
            end = at + 1
        elif not (shapes[at] == "X" or found[at].word.lower() in _JOINS):
            break
    return end


def _rule_confidence(lists: Sequence[str], *, titled: bool) -> float:
    """0 where the lists do not speak for a name. F and L as in tokens.listed."""
    first, last = lists[0], lists[-1]
    if titled:
        return 0.85 if "C" not in first or "L" in first or "F" in first else 0.0
    if len(lists) > 1 and "F" in first and "L" in last and "P" not in last:
        return 0.85 if "C" not in first else 0.6
    if len(lists) > 1 and ("F" in first or "L" in last) and not {"C", "P"} & set(first + last):
        return 0.6
    if len(lists) == 1 and "F" in first and not {"C", "P"} & set(first):
        return 0.5
    return 0.0
