"""Optimal global recoding: one level per column for all rows, the cheapest that is k-anonymous within a limit.

The lattice of all combinations is searched with two prunings: more general than anonymous is anonymous, more special
than not anonymous is not (chains of nodes are settled by bisection, after Kohlmayer et al. 2012); and nothing whose
bound is no better than the best found is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.classes import at_least, combined
from privacy.anonymity.errors import InvalidConstraintError, UnreachableAnonymityError
from privacy.anonymity.hierarchies import Hierarchy
from privacy.anonymity.losses import Facet, Loss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

UNKNOWN, ANONYMOUS, IDENTIFIABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Recoding:
    """The optimum. levels: per column; loss: the numbers that were compared; n_checked of n_nodes were grouped."""

    levels: dict[str, int]
    loss: tuple[float, ...]
    n_suppressed: int
    n_checked: int
    n_nodes: int


def optimal_recoding(
    table: pa.Table,
    hierarchies: Mapping[str, Hierarchy],
    k: int,
    *,
    loss: Loss,
    suppression_limit: float = 0.0,
) -> Recoding:
    """The cheapest levels at which at most suppression_limit (0 to 1) of the rows are in classes of fewer than k.

    Raises UnreachableAnonymityError when even the most general levels are not enough, AnonymityInputError for columns,
    values or bounds that do not fit.
    """
    if not 0 <= suppression_limit <= 1:
        raise InvalidConstraintError(f"the suppression limit must be between 0 and 1, not {suppression_limit!r}")
    lattice = Lattice.of(table, hierarchies, at_least(k), loss, int(suppression_limit * table.num_rows))
    best = lattice.search()
    if best is None:
        raise UnreachableAnonymityError(
            f"not even the most general levels leave at most {lattice.limit} rows in classes of fewer than {k}; "
            "allow more suppression or lower k"
        )
    node, costs, n_suppressed = best
    levels = {name: int(level) for name, level in zip(hierarchies, lattice.nodes[node], strict=True)}
    return Recoding(levels, costs, n_suppressed, lattice.n_checked, len(lattice.nodes))


def recode(
    table: pa.Table, hierarchies: Mapping[str, Hierarchy], levels: Mapping[str, int], k: int
) -> tuple[pa.Table, int]:
    """The table on these levels without the rows of small classes, and their number."""
    import pyarrow as pa

    from privacy.anonymity.suppression import enforce_k

    for name, level in levels.items():
        labels = pa.array(hierarchies[name].levels[level]).take(pa.array(hierarchies[name].place(table, name)))
        table = table.set_column(table.schema.get_field_index(name), name, labels)
    return enforce_k(table, list(levels), k)


@dataclass(slots=True)
class Lattice:
    """All combinations of levels over the distinct rows of a table. points: (columns, points) places in the domains."""

    nodes: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.float64]
    states: npt.NDArray[np.int8]
    facets: list[list[Facet]]
    points: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]
    k: int
    loss: Loss
    limit: int
    n_checked: int = 0

    @classmethod
    def of(cls, table: pa.Table, hierarchies: Mapping[str, Hierarchy], k: int, loss: Loss, limit: int) -> Lattice:
        """The lattice with every node's bound, nothing checked yet."""
        import numpy as np

        places = [hierarchy.place(table, name) for name, hierarchy in hierarchies.items()]
        sizes = [len(hierarchy.levels[0]) for hierarchy in hierarchies.values()]
        ids, n_points = combined(zip(places, sizes, strict=True))
        first = np.zeros(n_points, dtype=np.int64)
        first[ids] = np.arange(len(ids))
        weights = np.bincount(ids, minlength=n_points)
        points = np.stack([place[first] for place in places])
        facets = [
            [_facet(hierarchy, level, place, weights) for level in range(hierarchy.n_levels)]
            for hierarchy, place in zip(hierarchies.values(), points, strict=True)
        ]
        grid = np.indices([hierarchy.n_levels for hierarchy in hierarchies.values()])
        nodes = grid.reshape(len(hierarchies), -1).T
        columns = [np.array([loss.bound(facet) for facet in levels]) for levels in facets]
        bounds = loss.aggregate(np.stack([c[nodes[:, j]] for j, c in enumerate(columns)], axis=1))
        states = np.full(len(nodes), UNKNOWN, dtype=np.int8)
        return cls(nodes, bounds, states, facets, points, weights, k, loss, limit)

    def search(self) -> tuple[int, tuple[float, ...], int] | None:
        """(node, loss, suppressed rows) of the optimum: the most special of equals; None when no node is anonymous."""
        import numpy as np

        heights = self.nodes.sum(axis=1)
        order = np.lexsort((heights, *self.bounds.T[::-1]))
        best: tuple[int, tuple[float, ...], int] | None = None
        for node in order.tolist():
            if best and tuple(self.bounds[node].tolist()) >= best[1]:
                break
            if self.states[node] == UNKNOWN:
                self._bisect(node)
            if self.states[node] != ANONYMOUS:
                continue
            costs, n_suppressed = self.cost(node)
            if best is None or costs < best[1]:
                best = node, costs, n_suppressed
        return best

    def cost(self, node: int) -> tuple[tuple[float, ...], int]:
        """The node's loss and its suppressed rows."""
        import numpy as np

        small = self._small(node)
        chosen = [self.facets[j][level] for j, level in enumerate(self.nodes[node])]
        columns = []
        for facet, place in zip(chosen, self.points, strict=True):
            labels = facet.group[place[small]]
            gone = np.bincount(labels, weights=self.weights[small], minlength=len(facet.counts))
            columns.append(self.loss.loss(facet, gone.astype(np.int64)))
        total = self.loss.aggregate(np.array([columns]))[0]
        return tuple(total.tolist()), int(self.weights[small].sum())

    def is_anonymous(self, node: int) -> bool:
        """Whether few enough rows are in small classes."""
        return int(self.weights[self._small(node)].sum()) <= self.limit

    def _small(self, node: int) -> npt.NDArray[np.bool_]:
        """Per point whether its class on this node has fewer than k rows."""
        import numpy as np

        self.n_checked += 1
        chosen = [self.facets[j][level] for j, level in enumerate(self.nodes[node])]
        parts = [(facet.group[place], len(facet.counts)) for facet, place in zip(chosen, self.points, strict=True)]
        ids, n_classes = combined(parts)
        sizes = np.bincount(ids, weights=self.weights, minlength=n_classes)
        return np.asarray(sizes[ids] < self.k)

    def _bisect(self, node: int) -> None:
        """Settle a chain of unknown nodes from this one upwards: find where anonymity begins, and tag both sides."""
        chain = self._chain(node)
        low, high = 0, len(chain)
        while low < high:
            middle = (low + high) // 2
            if self.is_anonymous(chain[middle]):
                self._tag(chain[middle], ANONYMOUS)
                high = middle
            else:
                self._tag(chain[middle], IDENTIFIABLE)
                low = middle + 1

    def _chain(self, node: int) -> list[int]:
        """From a node to the top by unknown nodes, always to the cheapest next one."""
        import numpy as np

        shape = [len(levels) for levels in self.facets]
        steps = [int(np.prod(shape[j + 1 :])) for j in range(len(shape))]
        chain = [node]
        while True:
            levels = self.nodes[chain[-1]]
            above = [chain[-1] + step for step, level, n in zip(steps, levels, shape, strict=True) if level + 1 < n]
            above = [candidate for candidate in above if self.states[candidate] == UNKNOWN]
            if not above:
                return chain
            chain.append(min(above, key=lambda candidate: tuple(self.bounds[candidate])))

    def _tag(self, node: int, state: int) -> None:
        """Anonymity holds upwards, its absence downwards."""
        levels = self.nodes[node]
        ordered = self.nodes >= levels if state == ANONYMOUS else self.nodes <= levels
        self.states[ordered.all(axis=1)] = state


def _facet(hierarchy: Hierarchy, level: int, place: npt.NDArray[np.int64], weights: npt.NDArray[np.int64]) -> Facet:
    import numpy as np

    group, n_labels = hierarchy.groups(level)
    rows_of_value = np.bincount(place, weights=weights, minlength=len(group)).astype(np.int64)
    counts = np.bincount(group, weights=rows_of_value, minlength=n_labels).astype(np.int64)
    return Facet(counts, rows_of_value, group, np.bincount(group, minlength=n_labels) / len(group))
