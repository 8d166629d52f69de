"""Labelled sentences for the name tagger: carriers filled with Faker's values, reproducible from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.detection.carriers import NOBODY, PERSONAL
from privacy.detection.lexicon import listing
from privacy.detection.tokens import tokens

if TYPE_CHECKING:
    from faker import Faker

LOCALES = listing(
    "en_US en_GB en_IN en_NZ de_DE de_AT fr_FR fr_CA es_ES es_MX it_IT nl_NL nl_BE sv_SE da_DK no_NO fi_FI pl_PL pt_BR "
    "pt_PT cs_CZ hu_HU ro_RO hr_HR tr_TR et_EE id_ID"
)
_SLOT = re.compile(r"<([a-z]+)>")
_PERSON_SLOTS = ("person", "first", "last", "titled")
_TITLES = (
    "Mr",
    "Mr.",
    "Mrs",
    "Mrs.",
    "Ms",
    "Ms.",
    "Dr",
    "Dr.",
    "Miss",
    "Prof.",
    "Professor",
    "Herr",
    "Frau",
    "Sir",
    "Madame",
)
_VANS = ("van", "van der", "van den", "de", "de la", "von", "di", "del", "da", "dos", "le", "al", "bin")
_MARKS = ("> ", ">", "- ", "* ", "? ", "| ", "# ")
_PARAGRAPH = re.compile(r"[A-Z][a-z]+ [a-z]+ [^<>]*$")
SHARE_NOBODY, SHARE_MANUAL = 0.35, 0.1
SHARE_LOWER, SHARE_UPPER = 0.08, 0.03


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text as words with one label each (B, I: a person's name begins, goes on; O), and each name's places."""

    words: tuple[str, ...]
    labels: tuple[str, ...]
    names: tuple[tuple[int, ...], ...]


def sentences(n: int, seed: int) -> Iterator[Sentence]:
    """n sentences; the same n and seed give the same ones with the same Faker."""
    from faker import Faker

    generator = random.Random(seed)  # noqa: S311 - training data, no secret
    fakers = {locale: Faker(locale, use_weighting=False) for locale in LOCALES}
    for faker in fakers.values():
        faker.seed_instance(generator.randrange(2**32))
    english, manual = fakers["en_US"], _paragraphs()
    for _ in range(n):
        carrier = _carrier(generator, manual)
        text, spans = _filled(carrier, generator, fakers, english)
        case = generator.random()
        if case < SHARE_LOWER + SHARE_UPPER:
            changed = text.lower() if case < SHARE_LOWER else text.upper()
            text = changed if len(changed) == len(text) else text  # some letters change their length with their case
        yield _labelled(text, spans)


def _carrier(generator: random.Random, manual: Sequence[str]) -> str:
    """One to three carriers in a row, sometimes quoted line by line as in an answered mail."""
    chosen = []
    for _ in range(generator.choice((1, 1, 1, 2, 2, 3))):
        kind = generator.random()
        source = manual if kind < SHARE_MANUAL else NOBODY if kind < SHARE_MANUAL + SHARE_NOBODY else PERSONAL
        chosen.append(generator.choice(source))
    text = generator.choice((" ", " ", "\n", "\n\n")).join(chosen)
    mark = generator.choice(_MARKS) if generator.random() < 0.06 else ""
    return "\n".join(mark + line for line in text.split("\n")) if mark else text


def _paragraphs() -> list[str]:
    """Short paragraphs of Python's own manual: English prose that names nobody."""
    from pydoc_data.topics import topics

    parts = (part for _, text in sorted(topics.items()) for part in text.split("\n\n"))
    return [" ".join(part.split()) for part in parts if _PARAGRAPH.match(part) and len(part) < 300]


def _filled(
    carrier: str, generator: random.Random, fakers: dict[str, Faker], english: Faker
) -> tuple[str, list[tuple[int, int]]]:
    parts, spans, at, size = [], [], 0, 0
    for slot in _SLOT.finditer(carrier):
        name = slot[1]
        foreign = name not in _PROSE and generator.random() < 0.8
        faker = fakers[generator.choice(LOCALES)] if foreign else english
        before = carrier[at : slot.start()]
        lead, value = _person(name, faker, generator) if name in _PERSON_SLOTS else ("", _value(name, faker, generator))
        start = size + len(before) + len(lead)
        if name in _PERSON_SLOTS:
            spans.append((start, start + len(value)))
        parts += [before, lead, value]
        size, at = start + len(value), slot.end()
    return "".join([*parts, carrier[at:]]), spans


def _person(slot: str, faker: Faker, generator: random.Random) -> tuple[str, str]:
    """(what stands before the name, the name): titles are no part of it."""
    first, last = str(faker.first_name()), str(faker.last_name())
    if slot == "first":
        return "", first
    if slot == "last":
        return "", last
    lead = f"{generator.choice(_TITLES)} " if slot == "titled" or generator.random() < 0.05 else ""
    if slot == "titled" and generator.random() < 0.6:
        return lead, last
    middle = str(faker.first_name())
    forms = (
        *(f"{first} {last}",) * 12,
        f"{first} {middle[0]}. {last}",
        f"{first} {middle[0]} {last}",
        f"{first} {middle} {last}",
        f"{first[0]}. {last}",
        f"{first[0]}.{middle[0]}. {last}",
        f"{first} {last} {faker.last_name()}",
        f"{first} {last}-{faker.last_name()}",
        f"{first} {generator.choice(_VANS)} {last}",
        f"{first}",
    )
    return lead, generator.choice(forms)


def _firm(faker: Faker, generator: random.Random) -> str:
    """A firm that is not called after a person."""
    words = (
        str(faker.catch_phrase() if hasattr(faker, "catch_phrase") else faker.bs()).replace("-", " ").title().split()
    )
    kept = words[-generator.randrange(1, 3) :]
    return " ".join([*kept, generator.choice(_FIRMS)] if generator.random() < 0.6 else kept)


_FIRMS = listing(
    "Networks Systems Labs Group Foundation Institute Partners Media Bank Studio Ltd Inc College Records Museum"
)
_MONTHS = listing("January February March April May June July August September October November December")
_WEEKDAYS = listing("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_NATIONALITIES = listing(
    "American British Canadian Chinese Danish Dutch Egyptian Finnish French German Greek Indian Irish Italian Japanese "
    "Kenyan Mexican Norwegian Peruvian Polish Portuguese Russian Spanish Swedish Thai Turkish Vietnamese Welsh"
)
_PROSE = frozenset(listing("catch bs sentence words word titlewords job year num month weekday nationality"))


def _value(slot: str, faker: Faker, generator: random.Random) -> str:
    """What every other slot holds; English prose, so that sentences read alike, with values of any locale."""
    if slot in _FROM_FAKER:
        return str(getattr(faker, _FROM_FAKER[slot])())
    if slot in _CHOICES:
        return generator.choice(_CHOICES[slot])
    return _MADE[slot](faker, generator)


_FROM_FAKER = {
    "job": "job", "city": "city", "country": "country", "street": "street_name", "email": "ascii_email",
    "phone": "phone_number", "iban": "iban", "card": "credit_card_number", "catch": "catch_phrase", "bs": "bs",
    "sentence": "sentence", "word": "word",
}  # fmt: skip
_CHOICES = {"month": _MONTHS, "weekday": _WEEKDAYS, "nationality": _NATIONALITIES}
_MADE: dict[str, Callable[[Faker, random.Random], str]] = {
    "org": lambda f, g: str(f.company()) if g.random() < 0.6 else _firm(f, g),
    "address": lambda f, g: str(f.address()).replace("\n", g.choice((", ", "\n"))),
    "date": lambda f, g: str(f.date(g.choice(("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%B %d, %Y")))),
    "year": lambda _, g: str(g.randrange(1900, 2030)),
    "num": lambda _, g: str(g.randrange(10 ** g.randrange(1, 9))),
    "words": lambda f, g: " ".join(f.words(g.randrange(1, 7))),
    "titlewords": lambda f, g: " ".join(str(word).capitalize() for word in f.words(g.randrange(1, 5))),
}


def _labelled(text: str, spans: list[tuple[int, int]]) -> Sentence:
    found = tokens(text)
    labels, names = ["O"] * len(found), []
    for start, end in spans:
        inside = tuple(at for at, token in enumerate(found) if start <= token.start and token.end <= end)
        for at in inside:
            labels[at] = "B" if at == inside[0] else "I"
        names.append(inside)
    return Sentence(tuple(token.word for token in found), tuple(labels), tuple(names))
