"""What an erasure promises and how each promise can break. Messages name targets and counts, never a person."""

from privacy.errors import PrivacyError


class ErasureError(PrivacyError):
    """An erasure that is not complete; running it again goes on where it stopped."""


class ErasureInputError(PrivacyError):
    """What somebody passed to an erasure command cannot be used; nothing was deleted."""


class UncoveredCarrierError(ErasureError):
    """A column carries a person's key and no target says what an erasure does with it."""


class InertPredicateError(ErasureError):
    """A target's predicate does not find a row that is known to be there: it would count no survivors, ever."""


class SurvivingRowsError(ErasureError):
    """Something of the person is left after deletion."""


class ReadOnlyTargetError(ErasureError):
    """A store refuses to delete."""


class MergedIdentityError(ErasureError):
    """Another user id shares a persona with the person: they may be one."""


class HeldSubjectError(ErasureError):
    """A legal hold forbids the erasure."""


class BrokenLedgerError(ErasureError):
    """The erasure ledger was changed, cut or lost."""


class InvalidReceiptError(ErasureInputError):
    """A file that holds no receipt of a complete erasure."""
