"""What retention promises and how each promise can break. Messages never quote a value of an event."""

from privacy.errors import PrivacyError


class RetentionInputError(PrivacyError):
    """Something asked of retention that cannot be done as it was asked."""


class UnknownPolicyError(RetentionInputError):
    """A policy that no row of privacy.retention_policies names."""


class UnknownStoreError(RetentionInputError):
    """A table or file store that the registry does not name."""


class UnknownHoldError(RetentionInputError):
    """No legal hold in force has this number."""


class UnstatedReasonError(RetentionInputError):
    """A change without somebody who answers for it, or without a reason."""


class InvalidRetentionError(RetentionInputError):
    """A term, a path or a span of days that cannot be obeyed."""


class UncoveredTableError(PrivacyError):
    """A table with dated rows that no retention rule names; everything else was deleted on time."""
