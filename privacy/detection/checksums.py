"""The arithmetic that tells a number of a kind from digits that only look like one. Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from privacy.detection.lexicon import listing

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# Total length per country: ISO 13616 IBAN registry (from its 2024 releases).
IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in listing(
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
        "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 "
        "SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    )
}
# Issuer prefixes (ISO/IEC 7812, as the schemes publish them) and the lengths that go with each.
_SCHEMES = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]|2131|1800"), (15,)),
    (re.compile(r"30[0-5]|3095|3[689]"), (14, 16)),
    (re.compile(r"6011|64[4-9]|65|35|62|220[0-4]"), (16, 17, 18, 19)),
    (re.compile(r"50|5[6-8]|6[0378]"), tuple(range(12, 20))),
)


def is_luhn(digits: str) -> bool:
    """The mod-10 check of ISO/IEC 7812-1 over a string of ASCII digits, the check digit last."""
    values = [ord(digit) - 48 for digit in digits]
    return (sum(values[-1::-2]) + sum(_DOUBLED[value] for value in values[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether digits are the number of a payment card: a scheme's prefix and length, and Luhn."""
    return any(scheme.match(digits) and len(digits) in lengths for scheme, lengths in _SCHEMES) and is_luhn(digits)


def is_iban(text: str) -> bool:
    """Mod-97 of ISO 7064 over an IBAN without spaces, of the length its country has."""
    text = text.upper()
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text[2:4].isdigit():
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def is_ssn(area: str, group: str, serial: str) -> bool:
    """Ranges that the US Social Security Administration never issues: area 000, 666, 9xx, group 00, serial 0000."""
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_ipv4(text: str) -> bool:
    """Four decimal parts of 0 to 255 without leading zeros; 0.x.x.x (RFC 791: this network) is nobody's address."""
    parts = text.split(".")
    return (
        len(parts) == 4
        and parts[0] != "0"
        and all(part == "0" or (part[0] != "0" and int(part) < 256) for part in parts)
    )


def is_ipv6(text: str) -> bool:
    """RFC 4291 text form; '::' alone names nobody and is not taken."""
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return text != "::"
