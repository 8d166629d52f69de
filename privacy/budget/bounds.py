"""How much of one person may enter a release: in how many groups, how many rows, which values. Pure.

Bounds never come from the exact answer: the caller states them from public knowledge, an earlier release carries them,
or they are read off a histogram of contributions per person that was itself drawn with noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from privacy.budget.errors import InvalidQueryError
from privacy.budget.mechanisms import Sensitivity

USERS, ROWS, SUM = "users", "rows", "sum"
STATISTICS = (USERS, ROWS, SUM)
EMPTY_SIGMAS = 2.0  # a noisy bin below this many standard deviations counts as empty; any rule is post-processing
QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one person contributes: groups (L0), rows per group (Linf), and values clamped to whole units."""

    groups: int
    rows: int = 1
    lower: int = 0
    upper: int = 0
    origin: str = ""

    @classmethod
    def public(cls, groups: int, *, reason: str, rows: int = 1, lower: int = 0, upper: int = 0) -> Bounds:
        """Bounds that anybody could state without seeing the data; the reason is kept with the release."""
        if not reason.strip():
            raise InvalidQueryError("bounds from public knowledge need a reason: say where they come from")
        return cls(groups, rows, lower, upper, f"public: {reason}").checked()

    def checked(self) -> Bounds:
        """These bounds. Raises InvalidQueryError when they bound nothing."""
        if self.groups < 1 or self.rows < 1 or self.lower > self.upper:
            raise InvalidQueryError("bounds need at least one group, one row per group, and lower <= upper")
        return self

    def sensitivity(self, statistic: str) -> Sensitivity:
        """How far adding or removing one person moves the answer."""
        per_row = max(abs(self.lower), abs(self.upper), 1) if statistic == SUM else 1
        return Sensitivity(self.groups, per_row * (1 if statistic == USERS else self.rows))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Choose:
    """Spend a share of the release's rho on a histogram of contributions per person, and read the bounds off it.

    most_groups, most_rows: what nobody exceeds by public knowledge (larger contributions count as these);
    lower, upper: the clamp of a sum's values, which is always public knowledge.
    """

    share: Decimal = Decimal("0.1")
    most_groups: int = 1024
    most_rows: int = 1024
    lower: int = 0
    upper: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"share": str(self.share)}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Noisy numbers of people per bin. edges: the largest contribution of each bin; sd: of the noise in people."""

    edges: tuple[int, ...]
    people: tuple[float, ...]

    @classmethod
    def of(cls, edges: Sequence[int], noisy: Sequence[int], sd: float) -> Histogram:
        return cls(tuple(edges), tuple(float(n) if n >= EMPTY_SIGMAS * sd else 0.0 for n in noisy))

    def dropped(self, bound: int) -> float:
        """How many contributions a bound leaves out, by the middle of every bin."""
        lowest = (0, *self.edges[:-1])
        middles = ((low + 1 + high) / 2 for low, high in zip(lowest, self.edges, strict=True))
        return sum(n * max(0.0, middle - bound) for n, middle in zip(self.people, middles, strict=True))

    def quantile(self, q: float) -> int:
        """The first edge under which a share q of the people is; the last one when the histogram is empty."""
        wanted, so_far = q * sum(self.people), 0.0
        for edge, n in zip(self.edges, self.people, strict=True):
            so_far += n
            if wanted and so_far >= wanted:
                return edge
        return self.edges[-1]

    def least_error(self, n_groups: int, noise_sd: Callable[[int], float]) -> int:
        """The edge with the least expected error of an average group: what is dropped there against the noise."""
        return min(self.edges, key=lambda bound: _folded_mean(self.dropped(bound) / n_groups, noise_sd(bound)))


def edges(most: int) -> tuple[int, ...]:
    """Whole numbers from 1 to most in steps of the square root of two: fixed before anything is seen."""
    steps = {math.ceil(2 ** (half / 2)) for half in range(2 * most.bit_length() + 1)}
    return (*sorted(step for step in steps if step < most), most)


def binned(contributions: Mapping[int, int], limits: Sequence[int]) -> list[int]:
    """People per bin: contributions maps a contribution to its number of people. Exact, so never shown."""
    counts = [0] * len(limits)
    for contribution, people in contributions.items():
        counts[next((i for i, limit in enumerate(limits) if contribution <= limit), len(limits) - 1)] += people
    return counts


def _folded_mean(bias: float, sd: float) -> float:
    """E|N(bias, sd^2)|, the folded normal distribution's mean."""
    ratio = bias / sd
    return sd * math.sqrt(2 / math.pi) * math.exp(-ratio * ratio / 2) + bias * math.erf(ratio / math.sqrt(2))
