"""How an export can break its promises. Messages name exports, never a person or a value."""

from __future__ import annotations

from privacy.errors import PrivacyError


class ExportInputError(PrivacyError):
    """A link or an export that cannot be used; the message says why and what to do."""


class TamperedLinkError(ExportInputError):
    """The link is not one that this vault signed."""


class ExpiredLinkError(ExportInputError):
    """The time of the link is over."""


class UsedLinkError(ExportInputError):
    """The link was used before, or a newer one took its place."""


class MissingPackageError(ExportInputError):
    """The package of an export is no longer there."""


class ChangedPackageError(PrivacyError):
    """The package is not the one that was made: its digest differs, or a file of it does."""


class UnwritableNameError(PrivacyError):
    """A table or column has a name that a file format cannot hold."""
