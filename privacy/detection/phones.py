"""How sure it is that a run of digits is a telephone number: its layout, the words around it, numbering plans. Pure."""

from __future__ import annotations

import re

from privacy.detection.findings import Field
from privacy.detection.lexicon import listing

THRESHOLD = 0.5
# Numbering plans that a number without a country code is tried against, in this order.
REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "NL", "SE")
_BEFORE = 48  # characters in which a word may announce the number
_WORD = re.compile(r"#|[^\W\d_]+")
_CUES = frozenset(
    listing(
        "phone phones telephone telephoned phoned ph tel mobile mobil cell cellphone fax faxed call called "
        "calling calls callback dial dialed dialled dialling texted text sms whatsapp reach reached ring rang "
        "contact contacted hotline voicemail landline handy answering answer msisdn telefon telefono teléfono "
        "téléphone móvil cellulare extension"
    )
)
_OTHERS = frozenset(
    listing(
        "# order invoice reference ref case ticket account acct iban card serial tracking parcel zip postcode "
        "license licence passport isbn id version build sku batch policy contract customer part transaction "
        "booking confirmation vat tax meter model barcode patent pid"
    )
)
_MACHINE_CUE = re.compile(
    r"(?:phone|mobile|msisdn|\btel|\bfax|\bsms|caller|callee)(?:_?(?:no|number|nr))?[\"']?\s*(?:[:=]|\bto\b|\bfrom\b)?\s*[\"']?$"
)
_AFTER = re.compile(r"[\s,(-]{1,3}(?:office|fax|mobile|cell|home|work|desk|direct|landline)\b", re.IGNORECASE)
_NANP = re.compile(r"(?:\+?1[ .-]|001[ .-])?\(?[2-9][0-9]{2}\)?[ .-]?[0-9]{3}[ .-][0-9]{4}")
_YEARS = re.compile(r"(?:19|20)[0-9]{2} ?[-/–] ?(?:19|20)[0-9]{2}")
_AREA_CODE = re.compile(r"\+?\(?\+?[0-9 ]{0,6}\([0-9]{1,5}\)[ .-]?[0-9]")


def phone_confidence(text: str, start: int, end: int, digits: str, field: Field) -> float:
    """0..1 for text[start:end], whose digits are given; below THRESHOLD it is no telephone number."""
    number = text[start:end]
    international = number.startswith(("+", "(+")) or (digits.startswith("00") and len(digits) >= 11)
    if not 6 <= len(digits) <= (17 if digits.startswith("00") else 15):
        return 0.0
    if field is Field.MACHINE:
        return _among_machine_numbers(text, start, number, international=international)
    announced = _announced(text, start, end)
    if international:
        return 0.95 if announced >= 0 else 0.8
    if announced > 0:
        return 0.9
    if announced < 0 or len(digits) < 7:
        return 0.1
    return _by_layout(number, digits)


def _announced(text: str, start: int, end: int) -> int:
    """1: the nearest word says telephone, -1: it says another number, 0: no word says anything."""
    if _AFTER.match(text, end):
        return 1
    for word in reversed(_WORD.findall(text[max(0, start - _BEFORE) : start].lower())):
        if word in _CUES:
            return 1
        if word in _OTHERS:
            return -1
    return 0


def _by_layout(number: str, digits: str) -> float:
    if _AREA_CODE.match(number):
        return 0.85
    if _NANP.fullmatch(number) and len(digits) >= 10:
        return 0.8
    if _YEARS.fullmatch(number):
        return 0.0
    if len(digits) == len(number):
        return 0.55 if digits[0] == "0" and 10 <= len(digits) <= 11 and is_valid(number) else 0.2
    if digits[0] == "0" and 8 <= len(digits) <= 12:
        return 0.75
    n_groups = len(re.findall(r"[0-9]+", number))
    if 3 <= n_groups <= 6 and 8 <= len(digits) <= 12:
        return 0.6
    return 0.55 if is_valid(number) else 0.3


def _among_machine_numbers(text: str, start: int, number: str, *, international: bool) -> float:
    """Among ids and counters: '+' or '(' with an area code and a plan that knows the number, or a cue right before."""
    if international and number[0] in "+(":
        return 0.9 if is_valid(number) else 0.2
    if _AREA_CODE.match(number):
        return 0.8 if is_valid(number) else 0.2
    if _MACHINE_CUE.search(text[max(0, start - _BEFORE) : start].lower()):
        return 0.85
    return 0.1


def is_valid(number: str) -> bool:
    """Whether a numbering plan knows the number: its own country's after '+', else any of REGIONS."""
    import phonenumbers

    for region in (None,) if number.lstrip("(").startswith("+") else REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False
