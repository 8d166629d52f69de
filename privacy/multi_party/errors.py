"""How a promise of a multi-party computation breaks. Messages name parties and phases, never a number of anybody."""

from __future__ import annotations

from privacy.errors import PrivacyError


class MultiPartyError(PrivacyError):
    """A computation that gave no result; nobody learnt anything from it but who took part."""


class MultiPartyInputError(MultiPartyError):
    """A computation, a certificate or values that cannot be used; the caller changes them and tries again."""


class UntrustedPartyError(MultiPartyError):
    """A peer without a certificate of the agreed authority, or with somebody else's."""


class DifferentComputationError(MultiPartyError):
    """Parties hold different descriptions of what is to be computed, with whom, or in which form."""


class PartyGoneError(MultiPartyError):
    """A party did not come, left, or kept the others waiting."""


class MalformedMessageError(MultiPartyError):
    """A message of the wrong kind, length or session."""


class InconsistentResultError(MultiPartyError):
    """Parties arrived at different results: one of them told others different things."""


class PartyAbortedError(MultiPartyError):
    """Another party gave up, and said so."""
