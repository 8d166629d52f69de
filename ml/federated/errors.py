"""How a promise of federated training breaks. Messages name silos by number and never quote a value."""

from __future__ import annotations


class FederatedError(Exception):
    """A promise of federated training that could not be kept; the message says what to do."""


class FederatedInputError(FederatedError):
    """A plan, a roster or rows that cannot be trained on; the caller changes them and tries again."""


class TooFewSilosError(FederatedError):
    """Fewer silos answered than the threshold asks for: the round is refused and its sum never known."""


class WrongLengthError(FederatedError):
    """A message has another length than what was agreed."""


class UnusableVectorError(FederatedError):
    """A vector with a value that is not finite, or too large for the sum to stay exact."""


class ReplayedRoundError(FederatedError):
    """A round that this silo has answered already, in whole or in part."""


class ForgedMessageError(FederatedError):
    """A message that was not sealed by the silo and for the round it claims to be of."""


class InconsistentSurvivorsError(FederatedError):
    """Silos were told different things about who is left: answering would unmask a single silo."""
