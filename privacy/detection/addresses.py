"""Postal addresses by their shape: a street word with a number, and the town line after it. Pure; Latin writing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy.detection.findings import POSTAL_ADDRESS, Finding

_STREET_WORDS = (
    "Lock Junctions Villages Ridges Mountains "
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
_CAPITAL = "[A-ZÀ-ÞŁŻŹŚĆČĎŘŠŤŽ]"
_WORD = rf"{_CAPITAL}[\w'’.\-]*"
_UNIT = r"(?:,?\s+(?:Apt\.?|Apartment|Suite|Unit|Flat|Studio|Floor|Room|#)\s?\w{1,5})?"
_TOWN = rf"{_WORD}(?:(?: (?:an der|am|im|vorm|en|aan|nad|de|da|do|di|sur|upon|on))?[ \-]{_WORD}){{0,3}}"
_US_TOWN = rf"(?:[,\s]+{_TOWN}(?:,\s*|\s+)(?:[A-Z]{{2}}|{_WORD}(?: {_WORD})?)\s+[0-9]{{5}}(?:-[0-9]{{4}})?)"
_UK_TOWN = rf"(?:[,\s]+{_TOWN}[,\s]+[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}})"
_CONTINENTAL_TOWN = rf"(?:[,\s]+(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?: ?[A-Z]{{2}})?\s+{_TOWN})"
_PLAIN_TOWN = rf"(?:,\s*{_TOWN})"
_AFTER = rf"{_UNIT}(?:{_US_TOWN}|{_UK_TOWN}|{_CONTINENTAL_TOWN}|{_PLAIN_TOWN})?"
_ROOM = r"(?:(?:Studio|Flat|Unit|Apartment) [0-9]{1,4}[A-Za-z]?[,\s]+)"
_NUMBERED = re.compile(
    rf"(?<![\w.])(?:{_ROOM}?[0-9]{{1,6}}[A-Za-z]?(?:[-/][0-9]{{1,4}})?,? |{_ROOM})"
    rf"(?:{_WORD} ){{1,4}}?(?:{_STREET_WORDS})\b\.?{_AFTER}"
)
# A street of any name: its number, and after a comma or a line break the postcode and the town.
_CODE = r"(?:(?:[A-Z]{1,2}-)?[0-9]{4,5}(?: ?[A-Z]{2})?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{5}-?[0-9]{3})"
_BEFORE_CODE = re.compile(rf"[,\n] *{_CODE}\b")
_JOIN = r"(?: de la| de| du| des| di| del| della| da| do| dos| la| le| van| van der| u| i)?"
_SHAPED = re.compile(
    rf"\b(?:(?:ul|al|pl|os)\. |aleja |plac |ulica |osiedle )?{_WORD}(?:{_JOIN}[ \-]{_WORD}){{0,5}},? "
    rf"[0-9]{{1,5}}[A-Za-z]?(?:[/-][0-9]{{1,4}})?"
    rf"(?:,? (?:Piano|Appartamento|Piso|Puerta|Apt\.?) \w{{1,5}})?\s*[,\n]\s*(?:{_TOWN}\s*[,\n]\s*)?"
    rf"(?:{_CODE},?\s+{_TOWN}(?: \([A-Z]{{2}}\)| / [A-Z]{{2}})?|[0-9]{{5}}\b)"
)
_ENDINGS = (
    r"(?:straße|strasse|str\.|weg|allee|gasse|platz|ring|damm|laan|straat|plein|gracht|gatan|vägen|gränd|vej|veien|gade|gata"
    r"|katu|tie)\s[0-9]"
)
_ENDS_A_STREET = re.compile(_ENDINGS)
_GLUED = re.compile(
    rf"\b(?:{_WORD} ){{0,2}}{_CAPITAL}[\w.\-]*{_ENDINGS}[0-9]{{0,3}}(?: ?[a-zA-Z]\b)?(?:/[0-9]{{1,4}})?"
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
    yield from _found(_NUMBERED, text, 0.7)
    if _BEFORE_CODE.search(text):
        yield from _found(_SHAPED, text, 0.9)
    if _ENDS_A_STREET.search(lowered):
        yield from _found(_GLUED, text, 0.8)
    if _LEADS_A_STREET.search(lowered):
        yield from _found(_LED, text, 0.75)
    if " box " in lowered:
        yield from _found(_BOX, text, 0.85)


def _found(pattern: re.Pattern[str], text: str, confidence: float) -> Iterator[Finding]:
    """Every match without the punctuation of the sentence after it."""
    for match in pattern.finditer(text):
        start, end = match.span()
        while text[end - 1] in ".,-'’":
            end -= 1
        yield Finding(POSTAL_ADDRESS, start, end, confidence)
