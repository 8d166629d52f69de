"""One party's values from a file: numbers one a line, or numpy's .npy. Nothing is kept of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from privacy.multi_party.computation import Floats
from privacy.multi_party.errors import MultiPartyInputError


def read_values(path: Path) -> Floats:
    """The numbers of a file, (n,). Raises MultiPartyInputError; it names the file and no value."""
    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            found = np.array(path.read_text("utf-8").split(), dtype=np.float64)
        return np.asarray(found, dtype=np.float64).reshape(-1)
    except (OSError, ValueError) as error:
        kind = type(error).__name__
    raise MultiPartyInputError(f"{path} cannot be read as numbers, one a line ({kind}); correct the file")
