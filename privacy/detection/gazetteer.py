"""Lists of words that names, places and ordinary text are made of, read from Faker's own data. Latin writing only."""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

from privacy.detection.lexicon import PARTICLES, TITLES

_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff'’]{2,}")


_PROSE_WORD = re.compile(r"(?<![\w.'\"`*])[a-z]{2,}(?![\w.(=*'\"`])")


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Lower-case words: given names, family names, common English words, and words of towns and countries."""

    first: frozenset[str]
    last: frozenset[str]
    common: frozenset[str]
    places: frozenset[str]

    @classmethod
    def of_faker(cls) -> Gazetteer:
        """Every Latin list of the installed Faker; takes about a second and some memory, so keep the result."""
        first, last = set(), set()
        for module in _locales("faker.providers.person"):
            for name, values in vars(module.Provider).items():
                if name.startswith("first_name") and not callable(values):
                    first |= set(_words(values))
                elif ("last_name" in name) and not callable(values):
                    last |= set(_words(values))
        particles = PARTICLES | TITLES
        return cls(frozenset(first - particles), frozenset(last - particles), _common(), _places() - particles)


@cache
def shipped() -> Gazetteer:
    """The lists of the installed Faker, read once per process."""
    return Gazetteer.of_faker()


def _locales(package: str) -> Iterator[ModuleType]:
    from pkgutil import iter_modules

    for found in sorted(iter_modules(import_module(package).__path__), key=lambda item: item.name):
        module = import_module(f"{package}.{found.name}")
        if hasattr(module, "Provider"):
            yield module


def _words(values: object) -> Iterator[str]:
    """Words of a list of names; Faker keeps tuples, lists, and mappings with weights."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        for value in values:
            if isinstance(value, str):
                yield from (word.lower() for word in re.split(r"[\s-]+", value) if _LATIN.fullmatch(word))


def _common() -> frozenset[str]:
    """Ordinary English: Faker's list, days and months, and what Python's own manual writes small more than once."""
    from pydoc_data.topics import topics

    from faker.providers.lorem.en_US import Provider

    manual = Counter(word for text in topics.values() for word in _PROSE_WORD.findall(text))
    dates = {word.lower() for word in (*day_name, *month_name) if word}
    return frozenset(_words(Provider.word_list)) | dates | {word for word, n in manual.items() if n > 1}


def _places() -> frozenset[str]:
    from faker.providers.address import Provider as Addresses

    places = set(_words(Addresses.countries))
    for module in _locales("faker.providers.address"):
        for name, values in vars(module.Provider).items():
            if name in ("cities", "city_names", "city_names_list", "countries", "states", "provinces", "regions"):
                places |= {word for word in _words(values) if len(word) > 2}
    return frozenset(places)
