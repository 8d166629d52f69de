"""The vault: keys that exist nowhere else, so that deleting one deletes what it sealed. It knows no events."""

from privacy.vault.masters import MasterKey, MasterSource
from privacy.vault.subjects import DataKey
from privacy.vault.vault import Vault

__all__ = ["DataKey", "MasterKey", "MasterSource", "Vault"]
