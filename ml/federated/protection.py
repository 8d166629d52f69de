"""What differential privacy asks of silos: whose presence is hidden, how far one of them moves a sum, at what cost.

The noise itself and its proof are drawn by whoever calls: a mechanism of this package would be a second one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ml.federated.errors import FederatedInputError
from ml.federated.fixed_point import FRACTION_BITS

PERSON, SILO = "person", "silo"
Noise = Callable[[str, int], Sequence[int]]  # (kind of task, numbers) -> one silo's part of the noise, in fixed point
STATISTICS_SHARE = 0.2  # of the budget goes to centres and scales; the rounds share what remains


@dataclass(frozen=True, slots=True)
class Protection:
    """unit: whose presence is hidden; clip: the longest vector of one unit in a round; statistics_clip: before them."""

    unit: str
    clip: float
    statistics_clip: float = 2.5

    def __post_init__(self) -> None:
        if self.unit not in (PERSON, SILO):
            raise FederatedInputError(f"privacy is for a {PERSON} or a whole {SILO}, not {self.unit!r}")
        if not (0 < self.clip < 1e6 and 0 < self.statistics_clip < 1e6):
            raise FederatedInputError("a clip is a length above 0")

    def clip_of(self, kind: str) -> float:
        """The longest vector of one unit for a kind of task."""
        return self.statistics_clip if kind == "statistics" else self.clip

    def sensitivity(self, kind: str) -> int:
        """How far one unit moves a sum, in steps of fixed point."""
        return math.ceil(math.ldexp(self.clip_of(kind), FRACTION_BITS))
