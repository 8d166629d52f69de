"""How a promise of the privacy budget breaks. Messages name datasets, purposes and limits, never a person's value."""

from __future__ import annotations

from privacy.errors import PrivacyError


class InputError(PrivacyError):
    """A wish that cannot be understood or must not be granted; the caller changes it and tries again."""


class InvalidQueryError(InputError):
    """A release that is not well defined: no groups, no bounds, a cost that is no number."""


class InvalidGrantError(InputError):
    """A budget that cannot be granted."""


class BudgetExistsError(InputError):
    """A dataset, purpose and period that have a budget already; it is not changed while it may be in use."""


class UnknownBudgetError(InputError):
    """A dataset, purpose and period without a budget."""


class BudgetExceededError(PrivacyError):
    """The budget does not cover the release; nothing was drawn and nothing was spent."""


class OpenTransactionError(PrivacyError):
    """A reservation was asked for inside a transaction that could still be rolled back."""


class UncalibratedNoiseError(PrivacyError):
    """OpenDP's own privacy map says that the noise costs more than was reserved; nothing was drawn."""


class ContributionQueryError(PrivacyError):
    """The query that bounds contributions failed; the engine's message is withheld because it quotes values."""


class SpentDrawsError(PrivacyError):
    """Noise was asked for more often than was paid for."""
