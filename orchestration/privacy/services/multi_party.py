"""One party's part in a computation over organisations, or all parts to try it. Thin: privacy/multi_party does it.

No home is needed, so these are functions. Certificates are privacy.multi_party.certificates'.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy.multi_party.computation import Computation, Result
    from privacy.multi_party.rehearsal import Rehearsed


@dataclass(frozen=True, slots=True)
class Part:
    """What to take part in: a computation (YAML), this party's name, keys and numbers; patience in seconds."""

    computation: Path
    party: str
    folder: Path
    values: Path
    patience: float = 60.0


def join(part: Part) -> tuple[Computation, Result]:
    """Take part and return what all parties get. Raises what privacy.multi_party.party.take_part raises."""
    from privacy.multi_party.certificates import Credentials
    from privacy.multi_party.computation import Computation
    from privacy.multi_party.party import take_part
    from privacy.multi_party.values import read_values

    computation = Computation.load(part.computation)
    credentials, values = Credentials(part.folder, part.party), read_values(part.values)
    return computation, take_part(
        computation, credentials, values, entropy=secrets.token_bytes, patience=part.patience
    )  # fmt: skip


def rehearse(computation: Path, values: Mapping[str, Path]) -> tuple[Computation, Rehearsed]:
    """Run all parties on this machine; values: each party's file of numbers."""
    from privacy.multi_party.computation import Computation
    from privacy.multi_party.rehearsal import rehearse as run
    from privacy.multi_party.values import read_values

    loaded = Computation.load(computation)
    numbers = {name: read_values(file) for name, file in values.items()}
    with tempfile.TemporaryDirectory(prefix="lethe-rehearsal-") as folder:
        return loaded, run(loaded, numbers, Path(folder))
