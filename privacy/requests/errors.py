"""How a request can break its promises. Messages name requests and states, never a person or a value."""

from __future__ import annotations

from privacy.errors import PrivacyError


class RequestInputError(PrivacyError):
    """Something a user asked of a request that cannot be done; the message says what can."""


class UnknownRequestError(RequestInputError):
    """There is no request of this id."""


class ForbiddenTransitionError(RequestInputError):
    """The request is not in a state from which this step may be taken."""


class IncompleteRequestError(RequestInputError):
    """A request or a step without its kind, actor, reason or details."""


class SubjectInReasonError(RequestInputError):
    """A reason names the person; reasons are kept after the person is forgotten."""


class WrongCodeError(RequestInputError):
    """The identity code does not match, or its time is over."""


class OpenRequestsError(RequestInputError):
    """Other requests of the same person are open, and an erasure would leave them without their subject."""


class AlreadyRunningError(RequestInputError):
    """Another process carries this request out at the moment."""


class SurvivingRowsError(PrivacyError):
    """What should be gone or done was found not to be; the request is failed and can be run again."""


class UnprovenOutcomeError(PrivacyError):
    """The proof of an outcome is missing, belongs to another request, or its signature does not verify."""


class SubjectGoneError(PrivacyError):
    """The sealed subject of a request was destroyed; the request cannot be carried out any more."""
