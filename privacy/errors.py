"""What the privacy stage promises and how each promise can break. Messages never quote a value of an event."""


class PrivacyError(Exception):
    """A promise of the privacy stage that could not be kept; the message says what to do."""


class VaultKeyMissingError(PrivacyError):
    """Wrapped keys or salts exist, but the master key that opens them is gone."""


class ReadableVaultError(PrivacyError):
    """The vault's folder or one of its files can be read by other users of the machine."""


class VaultKeyMismatchError(PrivacyError):
    """The master key does not open what is wrapped, or sealed bytes were changed."""


class UnknownPurposeError(PrivacyError):
    """A purpose that the registry does not hold."""


class ConsentInputError(PrivacyError):
    """What somebody passed to a consent function or command cannot be used; nothing was written."""


class InvalidDecisionError(ConsentInputError):
    """A consent decision that cannot be recorded."""


class IdentityInputError(PrivacyError):
    """What somebody said about two ids of one person cannot be used; nothing was written."""


class UnknownNoticeError(ConsentInputError):
    """No notice of this purpose, version and language was published, or none was served under this number."""


class NothingDecidedError(ConsentInputError):
    """A receipt was asked for somebody who decided nothing."""


class UnreadableReceiptError(ConsentInputError):
    """A file that holds no consent receipt."""


class ChangedNoticeError(PrivacyError):
    """A notice has other words now than when its version was published."""


class InvalidRuleError(PrivacyError):
    """A classification rule that cannot be obeyed."""


class AmbiguousRuleError(PrivacyError):
    """Two rules say different things about the same place in an event."""


class UnreconciledDayError(PrivacyError):
    """Rows read, kept and excluded of an event day do not add up; nothing was written."""


class MissingTokenError(PrivacyError):
    """A subject of the batch has no pseudonym; its rows must not be written."""


class KernelFailureError(PrivacyError):
    """The kernel's query failed; the database's own message is withheld because it quotes values."""


class UnsignableDocumentError(PrivacyError):
    """A document that has no exact canonical JSON, or is signed already."""


class InvalidSignatureError(PrivacyError):
    """A signed document was changed after signing, or was never signed."""


class UntrustedSignerError(InvalidSignatureError):
    """A document is intact, but signed by a key that the reader does not trust."""
