"""What silos behind a network agree on beforehand: who they are, where the server is, how to train."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.federated import masks
from ml.federated.errors import FederatedInputError
from ml.federated.messages import usual_threshold
from ml.federated.shamir import Entropy
from ml.federated.training import Plan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


@dataclass(frozen=True, slots=True)
class Silo:
    """A silo's name, as in its certificate, and its static public key in hexadecimal digits."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """A federation. columns: the features, in their order; server: the name in the server's certificate.

    The silos are numbered from 1 as they are listed.
    """

    name: str
    server: str
    host: str
    port: int
    columns: tuple[str, ...]
    silos: tuple[Silo, ...]
    method: str = "update"
    rounds: int = 30
    steps: int = 5

    @classmethod
    def load(cls, path: Path) -> Agreement:
        """An agreement from its YAML file. Raises FederatedInputError."""
        import yaml

        try:
            document: Any = yaml.safe_load(path.read_text("utf-8"))
            silos = tuple(Silo(str(silo["name"]), str(silo["key"])) for silo in document.pop("silos"))
            columns = tuple(map(str, document.pop("columns")))
            found = cls(silos=silos, columns=columns, **document)
            usual_threshold(len(silos))
            if any(len(key) != 32 for key in found.roster().values()) or len(set(found.numbers())) < len(silos):
                raise ValueError("a key or name is wrong")
            found.plan()
            return found
        except (OSError, KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
            raise FederatedInputError(
                f"{path} is no agreement of a federation ({type(error).__name__}): it has name, server, host, port, "
                "columns, silos with name and key, and perhaps method, rounds and steps"
            ) from None

    def numbers(self) -> dict[str, int]:
        """The silos' numbers by name."""
        return {silo.name: number for number, silo in enumerate(self.silos, 1)}

    def number_of(self, name: str) -> int:
        """A silo's number. Raises FederatedInputError."""
        if name not in self.numbers():
            raise FederatedInputError(f"{name} is no silo of {self.name}; its silos are {', '.join(self.numbers())}")
        return self.numbers()[name]

    def roster(self) -> dict[int, bytes]:
        """The silos' static public keys by number."""
        return {number: bytes.fromhex(silo.key) for number, silo in enumerate(self.silos, 1)}

    def plan(self) -> Plan:
        """How to train."""
        return Plan(self.columns, self.method, self.rounds, self.steps, threshold=usual_threshold(len(self.silos)))

    def digest(self) -> bytes:
        """SHA-256 over all that is agreed."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).digest()


def make_key(path: Path, entropy: Entropy) -> str:
    """A silo's new static key in a file for its owner only; returns the public part for the agreement.

    Raises FederatedInputError where the file exists.
    """
    raw = entropy(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise FederatedInputError(f"{path} cannot be made ({error.strerror}); a key is never overwritten") from None
    with os.fdopen(handle, "w") as file:
        file.write(raw.hex())
    return masks.public_bytes(masks.private_key(raw)).hex()


def read_key(path: Path) -> X25519PrivateKey:
    """A silo's static key. Raises FederatedInputError."""
    try:
        return masks.private_key(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise FederatedInputError(f"{path} holds no key of a silo ({type(error).__name__}); make one") from None
