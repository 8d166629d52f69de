"""Which cells of a table with totals to hide so that totals minus published siblings reveal no small count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.cells import CellTable, Equation
from privacy.anonymity.classes import at_least
from privacy.anonymity.subtraction import unknowns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ROUNDING = 1e-6


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
    - no total minus published cells below it, along one dimension, is a number of 1 to k-1 people;
    - every primary count can lie anywhere in an interval at least k wide, knowing that counts are not negative.

    A count of 0 is nobody and is published unless it has to protect a neighbour. The choice is greedy by the smallest
    count, so it is not the fewest cells possible. Raises InvalidConstraintError for a wrong k.
    """
    at_least(k)
    primary = (cells.counts > 0) & (cells.counts < k)
    table = _Table(cells, primary.copy())
    while True:
        weak = table.revealing(k) or table.determined(primary, k)
        if not weak:
            return Hidden(primary, table.hidden & ~primary)
        for equation in weak:
            table.hide_one_more(equation)


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells with what is hidden so far."""

    cells: CellTable
    hidden: npt.NDArray[np.bool_]

    def revealing(self, k: int) -> list[Equation]:
        """Equations that give a hidden count, or a small sum of hidden counts, away on their own."""
        counts, weak = self.cells.counts, []
        for equation in self.cells.equations:
            n_hidden = sum(bool(self.hidden[cell]) for cell in equation.cells)
            if n_hidden == 0:
                continue
            rest = sum(int(counts[cell]) for cell in equation.parts if self.hidden[cell])
            if n_hidden == 1 or (not self.hidden[equation.total] and 0 < rest < k):
                weak.append(equation)
        return weak

    def determined(self, primary: npt.NDArray[np.bool_], k: int) -> list[Equation]:
        """An equation of each cell that several equations together determine exactly, or too closely."""
        found: list[int] = []
        for group in unknowns(self.cells, self.hidden):
            exact = group.recoverable().tolist()
            found += exact
            for cell in group.cells[primary[group.cells]].tolist():
                low, high = (0.0, 0.0) if cell in exact else group.interval(cell)
                if high - low < k - ROUNDING:
                    found.append(cell)
        return [equation for cell in found for equation in self._open_equations(cell)[:1]]

    def hide_one_more(self, equation: Equation) -> None:
        """Hide the cheapest published cell of an equation, if there still is one."""
        if self._is_open(equation):
            self.hidden[self._cheapest(equation)[1]] = True

    def _is_open(self, equation: Equation) -> bool:
        return not all(self.hidden[cell] for cell in equation.cells)

    def _open_equations(self, cell: int) -> list[Equation]:
        """The equations of a cell that still have something to hide, those with the cheapest candidate first."""
        own = [e for e in self.cells.equations if cell in e.cells and self._is_open(e)]
        if not own:  # everything around it is hidden: widen the circle
            own = [e for e in self.cells.equations if self._is_open(e)]
        return sorted(own, key=lambda e: self._cheapest(e)[0])

    def _cheapest(self, equation: Equation) -> tuple[tuple[int, int], int]:
        """(price, cell): the smallest published cell with people in it, then an empty one, then the total."""
        counts = self.cells.counts
        parts = [cell for cell in equation.parts if not self.hidden[cell]]
        prices = [((int(counts[cell] == 0), int(counts[cell])), cell) for cell in parts]
        if not self.hidden[equation.total]:
            prices.append(((2, int(counts[equation.total])), equation.total))
        return min(prices)
