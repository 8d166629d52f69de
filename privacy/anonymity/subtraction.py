"""What an outsider can work out about hidden cells from the published ones: exactly, or as an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.cells import CellTable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Unknowns:
    """Hidden cells that hang together, and the equations over them: matrix @ counts = known."""

    cells: npt.NDArray[np.int64]
    matrix: npt.NDArray[np.float64]
    known: npt.NDArray[np.float64]

    def recoverable(self) -> npt.NDArray[np.int64]:
        """The cells whose count follows exactly: those that no solution of the homogeneous system moves."""
        import numpy as np

        _, values, directions = np.linalg.svd(self.matrix)
        rank = int((values > TOLERANCE * max(values[0], 1.0)).sum()) if len(values) else 0
        free = directions[rank:]
        moved: npt.NDArray[np.float64] = np.abs(free).max(axis=0, initial=0.0)
        return self.cells[moved < TOLERANCE]

    def interval(self, cell: int) -> tuple[float, float]:
        """The counts of 0 or more that the cell can have, given the published cells."""
        import numpy as np
        from scipy.optimize import linprog

        ends = []
        for sign in (1.0, -1.0):
            aim = np.where(self.cells == cell, sign, 0.0)
            found = linprog(aim, A_eq=self.matrix, b_eq=self.known, bounds=(0, None), method="highs")
            ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
        return float(ends[0]), float(ends[1])


def unknowns(cells: CellTable, hidden: npt.NDArray[np.bool_]) -> list[Unknowns]:
    """The hidden cells in groups that share no equation."""
    import numpy as np

    at = np.flatnonzero(hidden)
    place = {cell: n for n, cell in enumerate(at.tolist())}
    equations = [e for e in cells.equations if any(cell in place for cell in e.cells)]
    matrix, known = np.zeros((len(equations), len(at))), np.zeros(len(equations))
    for row, equation in enumerate(equations):
        for cell, sign in ((equation.total, -1.0), *((part, 1.0) for part in equation.parts)):
            if cell in place:
                matrix[row, place[cell]] += sign
            else:
                known[row] -= sign * cells.counts[cell]
    return [Unknowns(at[columns], matrix[rows][:, columns], known[rows]) for rows, columns in _components(matrix)]


def _components(matrix: npt.NDArray[np.float64]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """(rows, columns) of the blocks of a sparse matrix."""
    import numpy as np
    from scipy.sparse import bmat, csr_matrix
    from scipy.sparse.csgraph import connected_components

    n_rows, n_columns = matrix.shape
    if not n_columns:
        return []
    links = csr_matrix(matrix)
    graph = bmat([[None, links], [links.T, None]]) if n_rows else csr_matrix((n_columns, n_columns))
    _, labels = connected_components(graph, directed=False)
    of_row, of_column = labels[:n_rows], labels[n_rows:]
    return [(np.flatnonzero(of_row == label), np.flatnonzero(of_column == label)) for label in np.unique(of_column)]
