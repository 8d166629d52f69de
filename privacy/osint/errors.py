"""How a file of findings can be unusable. Messages name the file and the line, never what stands in it."""

from privacy.errors import PrivacyError


class OsintInputError(PrivacyError):
    """A file or a word about findings that cannot be used; nothing was stored."""


class UnreadableFindingsError(OsintInputError):
    """A file that is not there, cannot be read, or holds nothing."""


class InvalidFindingError(OsintInputError):
    """A line that is no finding."""


class InvalidSourceError(OsintInputError):
    """A source whose name could be somebody's."""
