"""Postal addresses by their shape: a street word with a number, and the town line after it. Pure; Latin writing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy.detection.findings import POSTAL_ADDRESS, Finding

_STREET_WORDS = (
    "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Square Sq Terrace Place Pl Way "
    "Close Crescent Cres Gardens Grove Hill Mews Parkway Pkwy Highway Hwy Circle Cir Trail Plaza Row Walk "
    "Alley Loop Path Pike Point Ridge Route Run Shore Shores Spring Springs Station Summit Track Turnpike "
    "Union Valley View Village Vista Wall Passage Park Parks Orchard Motorway Mill Mills Meadow Meadows Manor "
    "Locks Lodge Lights Light Landing Lakes Lake Knolls Knoll Key Keys Junction Island Isle Inlet Hollow "
    "Hills Heights Haven Harbor Green Glen Gateway Garden Forks Fork Forge Forest Ford Fords Flats Flat "
    "Fields Field Ferry Falls Extension Expressway Estate Estates Dam Dale Curve Crossroad Crossing Crest "
    "Creek Cove Course Corner Corners Common Club Cliff Cliffs Causeway Canyon Camp Bypass Burg Brook Brooks "
    "Bridge Branch Bluff Bluffs Bend Beach Bayou Arcade Annex Rapids Ranch Radial Ramp Prairie Ports Port "
    "Plains Plain Pines Pine Overpass Oval Mountain Mount Mission Mall Fort Divide Drives Groves Rest River "
    "Roads Shoal Shoals Skyway Spur Spurs Squares Stravenue Stream Streets Throughway Trace Trafficway Tunnel "
    "Underpass Unions Valleys Viaduct Views Ville Walks Ways Well Wells Trailer Islands Center Centers "
    "Circles"
).replace(" ", "|")
_WORD = r"[A-ZÀ-Þ][\w'’.\-]*"
_UNIT = r"(?:,?\s+(?:Apt\.?|Apartment|Suite|Unit|Flat|Studio|Floor|Room|#)\s?\w{1,5})?"
_TOWN = rf"{_WORD}(?:[ \-]{_WORD}){{0,3}}"
_US_TOWN = rf"(?:[,\s]+{_TOWN}(?:,\s*|\s+)(?:[A-Z]{{2}}|{_WORD}(?: {_WORD})?)\s+[0-9]{{5}}(?:-[0-9]{{4}})?)"
_UK_TOWN = rf"(?:[,\s]+{_TOWN}[,\s]+[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}})"
_CONTINENTAL_TOWN = rf"(?:[,\s]+(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?: ?[A-Z]{{2}})?\s+{_TOWN})"
_PLAIN_TOWN = rf"(?:,\s*{_TOWN})"
_AFTER = rf"{_UNIT}(?:{_US_TOWN}|{_UK_TOWN}|{_CONTINENTAL_TOWN}|{_PLAIN_TOWN})?"
_NUMBERED = re.compile(
    rf"(?<![\w.])[0-9]{{1,6}}[A-Za-z]?(?:[-/][0-9]{{1,4}})?,? (?:{_WORD} ){{1,4}}?(?:{_STREET_WORDS})\b\.?{_AFTER}"
)
_ENDINGS = (
    r"(?:straße|strasse|str\.|weg|allee|gasse|platz|ring|damm|laan|straat|plein|gracht|gatan|vägen|gränd|vej|veien|gade|gata"
    r"|katu|tie)\s[0-9]"
)
_ENDS_A_STREET = re.compile(_ENDINGS)
_GLUED = re.compile(
    rf"\b(?:[A-ZÀ-Þ][\w'’.\-]* ){{0,2}}[A-ZÀ-Þ][\w.\-]*{_ENDINGS}[0-9]{{0,3}}(?: ?[a-zA-Z]\b)?(?:/[0-9]{{1,4}})?"
    rf"(?:{_CONTINENTAL_TOWN}|{_PLAIN_TOWN})?"
)
_LED_WORDS = (
    r"(?:rue|boulevard|chemin|avenue|place|impasse|allée|via|viale|piazza|corso|vicolo|strada|calle|avenida|plaza|paseo|ronda"
    r"|camino|rua|praça|travessa|ul\.|ulica|al\.)"
)
_LEADS_A_STREET = re.compile(rf"\b{_LED_WORDS} ")
_ARTICLE = r"(?: (?:de la|de|du|des|di|del|della|da|do|la|le)\b)?"
_LED_STREET = rf"(?i:{_LED_WORDS}){_ARTICLE}(?: {_WORD}){{1,4}}"
_LED = re.compile(
    rf"\b(?:[0-9]{{1,4}}(?: ?(?:bis|ter))?,? {_LED_STREET}|{_LED_STREET},? [0-9]{{1,4}}[a-z]?\b)"
    rf"(?:{_CONTINENTAL_TOWN}|{_PLAIN_TOWN})?"
)
_BOX = re.compile(rf"\b[Pp]\.?\s?[Oo]\.? [Bb]ox [0-9]{{1,6}}{_AFTER}")


def addresses(text: str, lowered: str) -> Iterator[Finding]:
    """Street addresses and post boxes; lowered is text.lower(). The caller has seen a digit."""
    for match in _NUMBERED.finditer(text):
        yield Finding(POSTAL_ADDRESS, match.start(), match.end(), 0.7)
    if _ENDS_A_STREET.search(lowered):
        for match in _GLUED.finditer(text):
            yield Finding(POSTAL_ADDRESS, match.start(), match.end(), 0.8)
    if _LEADS_A_STREET.search(lowered):
        for match in _LED.finditer(text):
            yield Finding(POSTAL_ADDRESS, match.start(), match.end(), 0.75)
    if " box " in lowered:
        for match in _BOX.finditer(text):
            yield Finding(POSTAL_ADDRESS, match.start(), match.end(), 0.85)
