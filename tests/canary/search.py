"""One pass over bytes for thousands of needles at once. What is searched is in stores.py."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tests.canary.forms import Needle, Planted, needles

CHUNK = 1 << 22
WORD = 8
LINE_BREAK = re.compile(rb"\\n|\\r|[\r\n]")
TABLE_BITS = 20
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio (Knuth 6.4): spreads words over the table


@dataclass(frozen=True, slots=True)
class Hit:
    """A value found where it must not be."""

    store: str
    form: str
    field: str


@dataclass(slots=True)
class Searched:
    """What was searched: bytes and items per kind of store, and the hits."""

    hits: set[Hit] = field(default_factory=set)
    n_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    n_items: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sizes: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def fields(self) -> set[str]:
        return {hit.field for hit in self.hits}

    @property
    def stores(self) -> set[str]:
        return {hit.store for hit in self.hits}

    def report(self) -> str:
        """One line per hit: store, form and field; no value."""
        lines = sorted(f"{hit.store}: {hit.form} of {hit.field}" for hit in self.hits)
        return f"{len(lines)} hits\n" + "\n".join(lines[:60])


class Search:
    """Finds needles by one aligned word of each: a bit table of all words is asked at every position of the text."""

    def __init__(self, planted: list[Planted]) -> None:
        self.needles = needles(planted)
        self._longest = max(len(needle.text) for needle in self.needles)
        self._by_word: dict[int, list[tuple[int, Needle]]] = defaultdict(list)
        for needle in self.needles:
            at = (len(needle.text) - WORD) // 2  # the middle: beginnings and ends are what values share
            word = int.from_bytes(needle.text[at : at + WORD], "little")
            self._by_word[word].append((at, needle))
        self._table = np.zeros(1 << TABLE_BITS, np.bool_)
        self._table[_places(np.array(list(self._by_word), np.uint64))] = True

    def over(self, items: Iterable[tuple[str, str, bytes]]) -> Searched:
        """Search (kind of store, name, bytes)."""
        searched = Searched()
        for kind, name, content in items:
            searched.n_bytes[kind] += len(content)
            searched.n_items[kind] += 1
            searched.sizes[f"{kind} {name}"] += len(content)
            searched.hits |= {Hit(f"{kind} {name}", needle.form, needle.field) for needle in self.find(content)}
        return searched

    def find(self, content: bytes) -> set[Needle]:
        """The needles in some bytes: case folded, and once more without line breaks, which base64 likes to have."""
        found: set[Needle] = set()
        joined = LINE_BREAK.sub(b"", content)
        for text in (content, joined) if len(joined) < len(content) else (content,):
            for start in range(0, max(len(text), 1), CHUNK):
                found |= self._in_chunk(text[start : start + CHUNK + self._longest].lower())
        return found

    def _in_chunk(self, text: bytes) -> set[Needle]:
        found: set[Needle] = set()
        for shift in range(min(WORD, len(text) - WORD + 1)):
            words = np.frombuffer(text, "<u8", (len(text) - shift) // WORD, shift)
            candidates = np.flatnonzero(self._table[_places(words)])
            for position in candidates.tolist():
                at = shift + position * WORD
                for offset, needle in self._by_word.get(int(words[position]), ()):
                    if at >= offset and text.startswith(needle.text, at - offset):
                        found.add(needle)
        return found


def _places(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (words * FACTOR) >> np.uint64(64 - TABLE_BITS)
