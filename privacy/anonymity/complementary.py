"""Which cells of a table with totals to hide so that totals minus published siblings reveal no small count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.cells import CellTable, Equation
from privacy.anonymity.classes import at_least
from privacy.anonymity.subtraction import unknowns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Hidden:
    """Per cell whether it is withheld. primary: for its own small count; secondary: to protect others.

    Publish `cells` only: who knows which cells are primary knows that their counts are below k.
    """

    primary: npt.NDArray[np.bool_]
    secondary: npt.NDArray[np.bool_]

    @property
    def cells(self) -> npt.NDArray[np.bool_]:
        """All that is withheld."""
        return self.primary | self.secondary


def hide_cells(cells: CellTable, k: int) -> Hidden:
    """Hide every count of 1 to k-1, and as many more as it takes that, from what is published,

    - no hidden count follows exactly by adding and subtracting;
    - no total minus its published parts is a number of 1 to k-1 people;
    - every primary count can lie anywhere in an interval at least k wide, knowing that counts are not negative.

    A count of 0 is nobody and is published unless it has to protect a neighbour. The choice is greedy by the smallest
    count, so it is not the fewest cells possible. Raises InvalidConstraintError for a wrong k.
    """
    at_least(k)
    primary = (cells.counts > 0) & (cells.counts < k)
    hidden = primary.copy()
    while True:
        weak = _revealing(cells, hidden, k) or _determined(cells, hidden, primary, k)
        if not weak:
            return Hidden(primary, hidden & ~primary)
        for equation in weak:
            _hide_one_more(cells, hidden, equation)


def _revealing(cells: CellTable, hidden: npt.NDArray[np.bool_], k: int) -> list[Equation]:
    """Equations that give a hidden count, or a small sum of hidden counts, away on their own."""
    weak = []
    for equation in cells.equations:
        parts = [part for part in equation.parts if hidden[part]]
        n_hidden = len(parts) + int(hidden[equation.total])
        is_small = not hidden[equation.total] and bool(parts) and 0 < int(cells.counts[parts].sum()) < k
        if n_hidden == 1 or is_small:
            weak.append(equation)
    return weak


def _determined(
    cells: CellTable, hidden: npt.NDArray[np.bool_], primary: npt.NDArray[np.bool_], k: int
) -> list[Equation]:
    """An equation of each cell that several equations together determine exactly, or too closely."""
    found: list[int] = []
    for group in unknowns(cells, hidden):
        exact = group.recoverable().tolist()
        found += exact
        for cell in group.cells[primary[group.cells]].tolist():
            low, high = (0.0, float(k)) if cell in exact else group.interval(cell)
            if high - low < k - 1e-6:
                found.append(cell)
    return [equation for cell in found for equation in _open_equations(cells, hidden, cell)[:1]]


def _open_equations(cells: CellTable, hidden: npt.NDArray[np.bool_], cell: int) -> Sequence[Equation]:
    """The equations of a cell that still have something to hide, those with the cheapest candidate first."""
    own = [e for e in cells.equations if cell in e.cells and not all(hidden[c] for c in e.cells)]
    if not own:  # everything around it is hidden: widen the circle
        own = [e for e in cells.equations if not all(hidden[c] for c in e.cells)]
    return sorted(own, key=lambda e: _cheapest(cells, hidden, e)[0])


def _hide_one_more(cells: CellTable, hidden: npt.NDArray[np.bool_], equation: Equation) -> None:
    if not all(hidden[cell] for cell in equation.cells):
        hidden[_cheapest(cells, hidden, equation)[1]] = True


def _cheapest(cells: CellTable, hidden: npt.NDArray[np.bool_], equation: Equation) -> tuple[tuple[int, int], int]:
    """(price, cell): the smallest published part with people in it, then an empty part, then the total."""
    prices = [
        ((1 if cells.counts[part] == 0 else 0, int(cells.counts[part])), part)
        for part in equation.parts
        if not hidden[part]
    ]
    total = [((2, int(cells.counts[equation.total])), equation.total)] if not hidden[equation.total] else []
    return min(prices + total)
