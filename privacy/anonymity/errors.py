"""How a promise of anonymity can break. Messages count and name columns; they never quote a value."""

from privacy.errors import PrivacyError


class AnonymityInputError(PrivacyError):
    """What was asked for cannot be computed from this table; the caller has to change the request."""


class UnknownColumnError(AnonymityInputError):
    """A quasi-identifier, subject or sensitive column that the table does not have, or of a type without equality."""


class InvalidConstraintError(AnonymityInputError):
    """A k, l, t or limit outside its range, or a rule that does not exist."""


class InvalidHierarchyError(AnonymityInputError):
    """A hierarchy that is ragged, repeats a value, or splits on a higher level what a lower one joined."""


class UncoveredValuesError(AnonymityInputError):
    """The table holds values that the hierarchy or the order of categories does not."""


class InconsistentCellsError(AnonymityInputError):
    """Cells whose totals are not the sums of their parts, or dimensions that do not cover the cells."""


class IdentifiableRowsError(PrivacyError):
    """Rows in classes of fewer than k people; they must not be released."""


class UnreachableAnonymityError(PrivacyError):
    """No transformation of the lattice is anonymous within the allowed suppression."""
