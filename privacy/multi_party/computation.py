"""What organisations agree to compute: the statistic, its form, the parties. And values as vectors of whole numbers.

Pure but for reading the file. What is agreed has one digest; a party that holds another one is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy.multi_party.certificates import require_name
from privacy.multi_party.errors import MultiPartyInputError
from privacy.multi_party.shares import Words

Floats = NDArray[np.float64]
SUM, MEAN, HISTOGRAM = "sum", "mean", "histogram"
STATISTICS = (SUM, MEAN, HISTOGRAM)
LEAST_PARTIES, MOST_PARTIES = 3, 64  # of two, each knows the other's numbers from the result
MOST_LENGTH = 16_000_000  # numbers: 128 MB a message


@dataclass(frozen=True, slots=True)
class Party:
    """One organisation's process: its name, as in its certificate, and where it listens."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Computation:
    """length: numbers of a sum; edges: of a histogram, rising, the outer bins are open; decimals: kept of a value.

    largest: no number of one party is larger in size; a larger one is refused before anything is sent.
    """

    name: str
    statistic: str
    parties: tuple[Party, ...]
    length: int = 1
    edges: tuple[float, ...] = ()
    decimals: int = 2
    largest: float = 1e9

    @classmethod
    def load(cls, path: Path) -> Computation:
        """A computation from its YAML (or JSON) file. Raises MultiPartyInputError."""
        import yaml

        try:
            return cls.parse(yaml.safe_load(path.read_text("utf-8")))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise MultiPartyInputError(f"{path} describes no computation ({type(error).__name__})") from None

    @classmethod
    def parse(cls, document: Any) -> Computation:
        """A computation from plain values. Raises MultiPartyInputError."""
        try:
            parties = tuple(Party(str(p["name"]), str(p["host"]), int(p["port"])) for p in document["parties"])
            rest = {key: value for key, value in document.items() if key not in ("parties", "edges")}
            edges = tuple(float(edge) for edge in document.get("edges", ()))
            return cls(**rest, parties=parties, edges=edges).checked()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MultiPartyInputError(
                f"a computation has a name, a statistic, parties with name, host and port, and perhaps length, edges, "
                f"decimals and largest; this one does not read as one ({type(error).__name__}: {error})"
            ) from None

    def checked(self) -> Computation:
        """This computation. Raises MultiPartyInputError with what to change."""
        for wrong, message in self._objections():
            if wrong:
                raise MultiPartyInputError(message)
        for party in self.parties:
            require_name(party.name)
        return self

    @property
    def size(self) -> int:
        """Whole numbers in each party's vector."""
        return {SUM: self.length, MEAN: 2, HISTOGRAM: len(self.edges) + 1}[self.statistic]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(party.name for party in self.parties)

    def digest(self) -> bytes:
        """SHA-256 over all that was agreed."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).digest()

    def vector(self, values: Floats) -> Words:
        """One party's values as the whole numbers to be added: (size,). Raises MultiPartyInputError."""
        if not np.isfinite(values).all():
            raise MultiPartyInputError("a value is missing or not finite; correct the values")
        if self.statistic == HISTOGRAM:
            bins = np.searchsorted(self.edges, values, side="right")
            return np.bincount(bins, minlength=self.size).astype(np.uint64)
        if self.statistic == MEAN:
            return np.append(self._whole(np.array([values.sum()])), np.uint64(len(values)))
        if len(values) != self.length:
            raise MultiPartyInputError(f"{len(values)} values, {self.length} were agreed; bring as many")
        return self._whole(values)

    def result(self, total: Words) -> Result:
        """What the sum of all vectors says."""
        numbers = total.view(np.int64)
        unit = 10.0**-self.decimals
        if self.statistic == MEAN:
            n = int(numbers[1])
            return Result(MEAN, (float(numbers[0]) * unit / n,) if n else (), n)
        if self.statistic == HISTOGRAM:
            return Result(HISTOGRAM, tuple(map(float, numbers)), int(numbers.sum()))
        return Result(SUM, tuple((numbers * unit).tolist()), len(self.parties))

    def _whole(self, values: Floats) -> Words:
        if len(values) and np.abs(values).max() > self.largest:
            raise MultiPartyInputError(f"a number exceeds {self.largest:g}, the largest that was agreed; agree anew")
        return np.rint(values * 10.0**self.decimals).astype(np.int64).view(np.uint64)

    def _objections(self) -> list[tuple[bool, str]]:
        n = len(self.parties)
        return [
            (not isinstance(self.name, str) or not self.name.strip(), "a computation needs a name"),
            (self.statistic not in STATISTICS, f"a statistic is one of {', '.join(STATISTICS)}"),
            (
                not LEAST_PARTIES <= n <= MOST_PARTIES,
                f"{n} parties; a computation has {LEAST_PARTIES} to {MOST_PARTIES}: of two, each learns the other's",
            ),
            (len(set(self.names)) < n, "two parties have one name"),
            (any(not 0 < p.port < 65536 for p in self.parties), "a port lies between 1 and 65535"),
            (
                not isinstance(self.length, int) or not 1 <= self.length <= MOST_LENGTH,
                f"a sum has 1 to {MOST_LENGTH:,} numbers",
            ),
            (
                self.statistic == HISTOGRAM and not _rising(self.edges),
                "a histogram needs at least one edge, all finite and rising",
            ),
            (
                not isinstance(self.decimals, int) or not 0 <= self.decimals <= 9 or not 0 < self.largest < math.inf,
                "decimals are 0 to 9, and the largest number is above 0",
            ),
            (
                self.largest * 10.0**self.decimals * n >= 2.0**53,
                "such large numbers with so many decimals are not exact; agree on fewer decimals or a smaller largest",
            ),
        ]


@dataclass(frozen=True, slots=True)
class Result:
    """values: the sums, the one mean (none without values), or the count of each bin. n: parties, values, values."""

    statistic: str
    values: tuple[float, ...]
    n: int


def _rising(edges: tuple[float, ...]) -> bool:
    found = np.array(edges, dtype=np.float64)
    return bool(len(found) and np.isfinite(found).all() and (np.diff(found) > 0).all())
