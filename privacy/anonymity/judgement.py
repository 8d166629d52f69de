"""Whether a table protects what somebody asks for: k, and for a sensitive column l and t. Counts only; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.classes import classes_of
from privacy.anonymity.diversity import Constraint, close, diverse
from privacy.anonymity.measures import l_of, t_of
from privacy.anonymity.suppression import KCheck, check_k

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Protection:
    """What is asked of a table: k people a class, l values of the sensitive column in each, t from the whole table.

    quasi: what an outsider could know; subject: whose a row is, where a person has several.
    """

    quasi: Sequence[str]
    k: int = 5
    sensitive: str | None = None
    l: int | None = None  # noqa: E741 - its name in the literature
    t: float | None = None
    subject: str | None = None

    def constraints(self, table: pa.Table) -> list[Constraint]:
        """What Mondrian has to hold beside k."""
        found: list[Constraint] = []
        if self.sensitive and self.l:
            found.append(diverse(table, self.sensitive, self.l))
        if self.sensitive and self.t is not None:
            found.append(close(table, self.sensitive, self.t))
        return found


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a table protects, and in what it falls short; l and t without a sensitive column are None."""

    found: KCheck
    diversity: int | None
    closeness: float | None
    failures: tuple[str, ...]


def judge(table: pa.Table, asked: Protection) -> Judgement:
    """Measure a table against what is asked of it. Raises AnonymityInputError for a wrong column or bound."""
    found = check_k(table, asked.quasi, asked.k, subject=asked.subject)
    failures = [] if found.passed else [f"k is below {asked.k}"]
    if not asked.sensitive:
        return Judgement(found, None, None, tuple(failures))
    diversity, closeness = (of(table, asked.quasi, asked.sensitive) for of in (l_of, t_of))
    failures += [f"l is below {asked.l}"] if diversity < (asked.l or 0) else []
    failures += [f"t is above {asked.t}"] if asked.t is not None and closeness > asked.t else []
    return Judgement(found, int(diversity), float(closeness), tuple(failures))


def class_sizes(table: pa.Table, asked: Protection) -> list[tuple[int, int]]:
    """How many classes there are of each size, the smallest first."""
    import numpy as np

    sizes, counts = np.unique(classes_of(table, asked.quasi, subject=asked.subject).sizes, return_counts=True)
    return [(int(size), int(n)) for size, n in zip(sizes, counts, strict=True)]
