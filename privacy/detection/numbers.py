"""Numbers of people in a text: IPv4, SSN, payment card, IBAN, date of birth, telephone. One walk over digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy.detection.checksums import is_card, is_iban, is_ipv4, is_ssn
from privacy.detection.findings import CREDIT_CARD, DATE_OF_BIRTH, IBAN, IP_ADDRESS, PHONE, SSN, Field, Finding
from privacy.detection.phones import THRESHOLD, phone_confidence

_RUN = re.compile(r"[0-9][0-9 ()./\u00a0\u2010-\u2014-]{5,}")
_SHAPE = re.compile(
    r"(?<![0-9])(?:(?P<ip>[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(?!\.?[0-9])"
    r"|(?<![0-9][./ -])(?P<ssn>(?P<area>[0-9]{3})(?P<bar>[ -])(?P<group>[0-9]{2})(?P=bar)(?P<serial>[0-9]{4}))"
    r"(?![ -]?[0-9])"
    r"|(?<![0-9][-./])(?P<date>[0-9]{4}(?P<sign>[-/.])[0-9]{1,2}(?P=sign)[0-9]{1,2}(?![-/.]?[0-9])"
    r"|[0-9]{1,2}(?P<mark>[-/.])[0-9]{1,2}(?P=mark)(?:[12][0-9]{3}|[0-9]{2})(?![-/.]?[0-9]))"
    r"|(?<![0-9]-)(?P<card>[0-9](?:[ -]?[0-9]){11,18})(?![0-9]))"
)
_VERSION = re.compile(r"\b(?:v|ver|version|release|build)[ =:.]{0,2}$", re.IGNORECASE)
_APART = re.compile(r"[ \u00a0]{2,}|[./-] | [./-]|\) ?\(")
_EXTENSION = re.compile(r",? ?(?:x|ext\.?|extension) ?[0-9]{1,6}\b")
_BARE_SSN_CUE = re.compile(r"\b(?:ssn|social security)\b[^0-9]{0,24}$", re.IGNORECASE)
_CARD_IN_DIGITS = str.maketrans("", "", " -")
_NON_DIGITS = re.compile(r"[^0-9]+")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"(?:[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)?[ -]{_MONTH},?[ -](?:[12][0-9]{{3}}|[0-9]{{2}})"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [12][0-9]{{3}}"
    r"|[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}"
    r"|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:[12][0-9]{3}|[0-9]{2}))(?![0-9])",
    re.IGNORECASE,
)
_BIRTH = re.compile(r"\bborn\b|birth|\bd\.?o\.?b\b|\bgeboren\b|\bgeb\.|\bnée? le\b|\bnacid[oa]\b|\bnat[oa] il\b")
_AFTER_BIRTH = 48  # characters between the word and the date


def numbers(text: str, field: Field) -> Iterator[Finding]:
    """Every number of a person in the text; the caller has seen a digit."""
    for run in _RUN.finditer(text):
        yield from _in_run(text, run.start(), run.end(), field)


def _in_run(text: str, start: int, end: int, field: Field) -> Iterator[Finding]:
    is_signed = start > 0 and text[start - 1] == "+"
    at = start
    for match in () if is_signed else _SHAPE.finditer(text, start, end):
        if not _stands_alone(text, match.start(), match.end()):
            continue
        found = _shaped(text, match, field)
        if found is None:
            continue
        yield from _phones(text, at, match.start(), field)
        if found.kind:
            yield found
        at = match.end()
    yield from _phones(text, at, end, field)


def _shaped(text: str, match: re.Match[str], field: Field) -> Finding | None:
    """What a shape is: a finding, one of kind '' for a date (which is no telephone number either), or nothing."""
    start, end = match.span()
    kind = match.lastgroup
    if kind == "ip":
        is_version = _VERSION.search(text[max(0, start - 12) : start])
        return Finding(IP_ADDRESS, start, end, 0.95) if is_ipv4(match["ip"]) and not is_version else None
    if match["ssn"]:
        return Finding(SSN, start, end, 0.95) if is_ssn(match["area"], match["group"], match["serial"]) else None
    if match["date"]:
        return Finding("", start, end, 0.0)
    digits = match["card"].translate(_CARD_IN_DIGITS)
    # Among ids of machines one in ten passes Luhn, and many have 17 to 19 digits in a row; few cards do.
    is_id = field is Field.MACHINE and len(digits) == end - start > 16
    return Finding(CREDIT_CARD, start, end, 0.95) if is_card(digits) and not is_id else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() or before == "_") and not (after.isalnum() or after == "_")


def _phones(text: str, start: int, end: int, field: Field) -> Iterator[Finding]:
    """Telephone numbers (and SSNs written without bars) in a stretch of digits and separators."""
    if end - start < 7:
        return
    for part_start, part_end in _parts(text, start, end):
        digits = _NON_DIGITS.sub("", text[part_start:part_end])
        if len(digits) < 6:
            continue
        if len(digits) == 9 == part_end - part_start and _BARE_SSN_CUE.search(
            text[max(0, part_start - 48) : part_start]
        ):
            yield Finding(SSN, part_start, part_end, 0.85)
            continue
        confidence = phone_confidence(text, part_start, part_end, digits, field)
        if confidence >= THRESHOLD:
            extension = _EXTENSION.match(text, part_end)
            yield Finding(PHONE, part_start, extension.end() if extension else part_end, confidence)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch cut where one number cannot go on, each part with its sign and without loose separators."""
    at = start
    for cut in (*_APART.finditer(text, start, end), None):
        stop = cut.start() + (cut.group().startswith(")")) if cut else end
        trimmed = _trimmed(text, at, stop)
        if trimmed:
            yield trimmed
        at = cut.end() - cut.group().endswith("(") if cut else end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and not text[start].isdigit() and text[start] != "(":
        start += 1
    while start < end and not text[end - 1].isdigit():
        end -= 1
    if end - start < 7:
        return None
    while start and text[start - 1] in "+(":
        start -= 1
    if text[start] == "(" and text.find(")", start, end) < 0:
        start += 1
    glued = text[start - 1 : start]
    follows = text[end : end + 1]
    if glued.isalnum() or glued in ("_", "$", "€", "£", "#") or follows in ("%", "€", "_"):
        return None
    if follows.isalnum() and not _EXTENSION.match(text, end):
        return None
    return start, end


def ibans(text: str) -> Iterator[Finding]:
    """IBANs with or without spaces, in either case; the caller has seen a digit."""
    for match in _IBAN.finditer(text):
        start, end = match.span()
        while end > start:
            if is_iban(text[start:end].replace(" ", "")):
                yield Finding(IBAN, start, end, 0.97)
                break
            end = text.rfind(" ", start, end)


def birth_dates(text: str, lowered: str) -> Iterator[Finding]:
    """Dates that a word announces as somebody's birth; lowered is text.lower()."""
    for cue in _BIRTH.finditer(lowered):
        match = _DATE.search(text, cue.end(), cue.end() + _AFTER_BIRTH)
        if match:
            yield Finding(DATE_OF_BIRTH, match.start(), match.end(), 0.9)
