"""What the register of breaches refuses. Messages never quote what was breached."""

from privacy.errors import PrivacyError


class BreachInputError(PrivacyError):
    """Something entered about a breach that cannot be entered so."""


class UnknownBreachError(BreachInputError):
    """No breach has this number."""


class InvalidFactError(BreachInputError):
    """A fact that the register has no name for, or with a value it cannot hold."""


class UnknownTableError(BreachInputError):
    """A marked table that the database does not hold."""


class ClosedBreachError(BreachInputError):
    """The breach is closed; nothing more is entered."""


class UnansweredDutyError(BreachInputError):
    """A breach cannot be closed while a notification is neither sent nor declared unnecessary with a reason."""


class UndraftedBreachError(BreachInputError):
    """Tables were marked and no notification could be drafted: the 72 hours go on without one."""
