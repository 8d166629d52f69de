"""What the vault promises beyond privacy.errors, and how each promise can break. No message holds a key or a person."""

from privacy.errors import PrivacyError
from warehouse.settings import InvalidSettingError


class DamagedVaultError(PrivacyError):
    """The vault's file is no database any more."""


class NoNewMasterKeyError(InvalidSettingError):
    """A rotation was asked for and no master key was given but the one in use."""


class RotationRunningError(PrivacyError):
    """Another process is rotating the same vault."""


class ForgottenSubjectError(PrivacyError):
    """The key that sealed a value was destroyed, with its subject or by a restored vault; nobody can open the value."""


class MissingTombstonesError(PrivacyError):
    """The list of destroyed keys is gone, shortened or another vault's: opening could bring destroyed keys back."""


class UnerasedKeyError(PrivacyError):
    """Keys are deleted but their bytes could not be overwritten yet, because another process reads the vault."""
