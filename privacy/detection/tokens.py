"""Words of a text with their places, and what the name tagger is told about each of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from privacy.detection.gazetteer import Gazetteer
from privacy.detection.lexicon import FIRMS, PARTICLES, TITLES, UNITS, WAYS

_TOKEN = re.compile(r"[^\W\d_]+(?:['’.\-](?=[^\W\d_])[^\W\d_]+)*|[0-9]+|\n|[^\w\s]", re.UNICODE)
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign: text[start:end]."""

    word: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Words (hyphens and inner apostrophes stay in, a possessive 's does not), numbers, signs and line breaks."""
    found = []
    for match in _TOKEN.finditer(text):
        word, start = match.group(), match.start()
        bare = _POSSESSIVE.sub("", word) or word
        found.append(Token(bare, start, start + len(bare)))
        if len(bare) < len(word):
            found.append(Token(word[len(bare) :], start + len(bare), match.end()))
    return found


def listed(word: str, gazetteer: Gazetteer) -> str:
    """Which lists hold a word, as letters: F given name, L family name, C common, P place; parts of a-b count."""
    lowered = word.lower()
    parts = lowered.split("-") if "-" in lowered else (lowered,)
    return "".join(
        letter
        for letter, words in (
            ("F", gazetteer.first),
            ("L", gazetteer.last),
            ("C", gazetteer.common),
            ("P", gazetteer.places),
        )
        if any(part in words for part in parts)
    )


def shape(word: str) -> str:
    """Xx, X, X., xX, x, XX, d, or the sign itself; -: hyphenated."""
    if not word[0].isalpha():
        return "d" if word[0].isdigit() else word
    if len(word) == 1:
        return "X" if word.isupper() else "x"
    if word.isupper():
        return "XX"
    if word.islower():
        return "x"
    return ("Xx" if word[0].isupper() else "xX") + ("-" if "-" in word else "")


def _kind(lowered: str) -> str:
    if lowered in TITLES:
        return "T"
    if lowered in PARTICLES:
        return "V"
    if lowered in FIRMS:
        return "O"
    return "W" if lowered in WAYS else ""


def is_other(word: str) -> bool:
    """Whether a word belongs to a firm, a street or a title rather than to a name."""
    return _kind(word.lower()) in ("T", "O", "W")


def is_unit(word: str) -> bool:
    """Whether a word goes on in an address: Apt, Suite, Floor."""
    return word.lower() in UNITS


def features(words: Sequence[str], gazetteer: Gazetteer, hidden: Collection[int] = ()) -> list[list[str]]:
    """The features of each word; words at the `hidden` places are treated as if no list of names held them."""
    lists = [listed(word, gazetteer) for word in words]
    for at in hidden:
        lists[at] = lists[at].replace("F", "").replace("L", "")
    lowered = [word.lower() for word in words]
    shapes = [shape(word) for word in words]
    flags = [found + _kind(word) for found, word in zip(lists, lowered, strict=True)]
    case = "lower" if not any(s[0] == "X" for s in shapes) else "mixed" if "x" in shapes else "upper"
    return [_of(at, lowered, shapes, flags, case) for at in range(len(words))]


def _of(at: int, lowered: Sequence[str], shapes: Sequence[str], flags: Sequence[str], case: str) -> list[str]:
    word, form, flag = lowered[at], shapes[at], flags[at]
    found = [
        "b",
        f"s:{form}",
        f"f:{flag}",
        f"sf:{form}|{flag}|{case}",
        f"3:{word[-3:]}",
    ]
    if "C" in flag or not flag:
        found.append(f"w:{word}")
    for step in (-2, -1, 1, 2):
        place = at + step
        if 0 <= place < len(lowered):
            found += [f"{step}w:{lowered[place]}", f"{step}f:{flags[place]}|{shapes[place]}"]
        elif -2 < step < 2:
            found.append(f"{step}:none")
    if at:
        found += [f"-1f0:{flags[at - 1]}|{flag}|{form}", f"-1w0s:{lowered[at - 1]}|{form}"]
    if at > 1:
        found.append(f"-2-1w:{lowered[at - 2]}|{lowered[at - 1]}|{form}")
    if at + 1 < len(lowered):
        found += [f"0f1:{flag}|{flags[at + 1]}|{shapes[at + 1]}", f"0s1w:{form}|{lowered[at + 1]}"]
    return found
