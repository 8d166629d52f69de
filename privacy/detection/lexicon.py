"""Closed lists of words that the detectors read. No names of people: those are gazetteer.py."""

from __future__ import annotations


def listing(text: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(text.split())


PARTICLES = frozenset(
    listing(
        "al bin da das de del della den der di do dos du el ibn la le los mac mc of san st ten ter van vd vom von y zu"
    )
)
TITLES = frozenset(
    listing(
        "mr mrs ms miss mx dr prof professor sir madam lady lord dame herr frau monsieur madame mme mlle signor "
        "signora sig señor señora don doña rev reverend fr father sister brother capt captain judge senator president "
        "coach nurse uncle aunt"
    )
)
FIRMS = frozenset(
    listing("inc ltd llc plc gmbh ag sa srl bv nv co corp corporation company group sons bank university")
)
WAYS = frozenset(
    listing(
        "street st avenue ave road rd lane drive court square place way boulevard plaza park bridge station airport "
        "river lake mount hotel hospital school church county"
    )
)
UNITS = frozenset(listing("apt suite unit flat floor room box po apartment"))
