"""Counts of what followed what: after the last 1, 2, ... steps, at once or soon. Only what k people did is in them.

Tables are dicts of arrays, so that they are saved as they are. Mixing and serving are next_step's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from ml.families.terms import People
from ml.intervals import Codes, Floats, encode

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Steps = Sequence[str]
UNKNOWN = -1  # a step that too few people took, or no step at all


class Table(TypedDict):
    """Counts by context. keys (c,) sorted: a shorter context's place times the number of steps, plus one step more.

    indptr (c + 1,), steps (p,) and times (p,) are the rows of a sparse matrix (contexts, steps); left_over (c,) is how
    often a step that is not in the row came, where that was of k people.
    """

    keys: Codes
    indptr: Codes
    steps: Codes
    times: Codes
    left_over: Codes


@dataclass(frozen=True, slots=True)
class Moments:
    """Every step of a log as one to be told: targets (n,), the steps before it by lag (n, w), whose it is (n,), and
    whether its sequence ends with it (n,)."""

    targets: Codes
    lags: Codes
    people: Codes
    is_last: NDArray[np.bool_]
    n_people: int

    def of(self, rows: NDArray[np.bool_]) -> Moments:
        """Those of the rows (n,) alone."""
        return Moments(self.targets[rows], self.lags[rows], self.people[rows], self.is_last[rows], self.n_people)


def shared_steps(sequences: Sequence[Steps], people: People, k_people: int) -> list[str]:
    """The steps that at least k_people people took, sorted; people (n,) as in moments."""
    steps, owners, _ = _flat(sequences, people)
    names, codes = np.unique(steps, return_inverse=True)
    kinds = np.unique(np.column_stack([codes, owners]), axis=0)[:, 0]
    return [str(name) for name in names[np.bincount(kinds, minlength=len(names)) >= k_people]]


def moments(sequences: Sequence[Steps], names: Sequence[str], window: int, people: People = None) -> Moments:
    """The steps of sequences as places in names, each with up to `window` steps before it; UNKNOWN where there is none.

    people (n,) says whose each sequence is; None counts each as somebody else's.
    """
    steps, owners, starts = _flat(sequences, people)
    codes = places_in(names, steps)
    lags = np.full((len(codes), window), UNKNOWN, dtype=np.int64)
    since = np.arange(len(codes)) - starts
    for lag in range(1, window + 1):
        inside = since >= lag
        lags[inside, lag - 1] = codes[np.flatnonzero(inside) - lag]
    is_last = np.append(since[1:] == 0, True)[: len(codes)]
    return Moments(codes, lags, owners, is_last, int(owners.max(initial=-1)) + 1)


def last_steps(begun: Sequence[Steps], names: Sequence[str], window: int) -> Codes:
    """The last `window` steps of each beginning by lag (n, w), as places in names."""
    flat = [step for steps in begun for step in steps[: -window - 1 : -1]]
    rows = np.repeat(np.arange(len(begun)), [min(len(steps), window) for steps in begun])
    lags = np.full((len(begun), window), UNKNOWN, dtype=np.int64)
    columns = np.arange(len(flat)) - np.searchsorted(rows, rows)
    lags[rows, columns] = places_in(names, np.array(flat, dtype=str))
    return lags


def places_in(names: Sequence[str], steps: NDArray[np.str_]) -> Codes:
    """The place of each step (n,) in sorted names; UNKNOWN where it is none of them."""
    known = np.array(names, dtype=str)
    at = np.minimum(np.searchsorted(known, steps), len(known) - 1)
    return np.where(known[at] == steps, at, UNKNOWN).astype(np.int64)


def chain(log: Moments, n_steps: int, order: int, k_people: int) -> list[Table]:
    """A table for the contexts of the last 1 to `order` steps; each context extends one of the table before."""
    tables, contexts = list[Table](), np.zeros(len(log.targets), dtype=np.int64)
    for lag in range(order):
        keys = _extended(contexts, log.lags[:, lag], n_steps)
        tables.append(count(keys, log, n_steps, k_people))
        contexts = find(tables[-1], keys)
    return tables


def count(keys: Codes, log: Moments, n_steps: int, k_people: int) -> Table:
    """What k_people people did after each context key (n,); UNKNOWN keys are passed over."""
    inside = keys >= 0
    # A step that too few people took is left over: it has a place of its own behind all others until it is counted.
    pairs = keys[inside] * (n_steps + 1) + np.where(log.targets[inside] < 0, n_steps, log.targets[inside])
    owners = log.people[inside], log.n_people
    found, times, n_people = _by_people(pairs, *owners)
    kept = (n_people >= k_people) & (found % (n_steps + 1) < n_steps)
    contexts, sizes = np.unique(found[kept] // (n_steps + 1), return_counts=True)
    return {
        "keys": contexts,
        "indptr": np.append(0, np.cumsum(sizes)).astype(np.int64),
        "steps": found[kept] % (n_steps + 1),
        "times": times[kept],
        "left_over": _left_over(contexts, keys[inside], ~np.isin(pairs, found[kept]), owners, k_people),
    }


def soon(log: Moments, n_steps: int, reach: int, k_people: int) -> Table:
    """What k_people people did within `reach` steps after each step, whatever stood between."""
    repeated = Moments(
        np.tile(log.targets, reach), np.zeros((0, 0), dtype=np.int64), np.tile(log.people, reach),
        np.tile(log.is_last, reach), log.n_people,
    )  # fmt: skip
    return count(log.lags[:, :reach].T.ravel(), repeated, n_steps, k_people)


def ends(log: Moments, n_steps: int, k_people: int) -> Codes:
    """How often sequences end with each step, where those of k_people people do: (steps,)."""
    rows = log.of(log.is_last & (log.targets >= 0))
    found, times, owners = _by_people(rows.targets, rows.people, rows.n_people)
    made = np.zeros(n_steps, dtype=np.int64)
    made[found[owners >= k_people]] = times[owners >= k_people]
    return made


def find(table: Table, keys: Codes) -> Codes:
    """The row of each key (n,); UNKNOWN where the table has none."""
    known = table["keys"]
    if not len(known):
        return np.full(len(keys), UNKNOWN, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[at] == keys, at, UNKNOWN)


def rows_by_order(tables: Sequence[Table], lags: Codes, n_steps: int) -> list[Codes]:
    """The row of each beginning (n,) in the table of each order; UNKNOWN from the order on that knows it no more."""
    found, contexts = list[Codes](), np.zeros(len(lags), dtype=np.int64)
    for lag, table in enumerate(tables):
        contexts = find(table, _extended(contexts, lags[:, lag], n_steps))
        found.append(contexts)
    return found


def interpolated(table: Table, rows: Codes, lower: Floats, discount: float) -> Floats:
    """P(step) after the contexts of rows (n,), with the order below (n, m) where the table says nothing: (n, m).

    Absolute discounting (Ney, Essen & Kneser 1994): each count gives `discount` of itself to the order below, and what
    is left over goes there whole. A row that is UNKNOWN is the order below.
    """
    counts = matrix(table, lower.shape[1])
    known = np.flatnonzero(rows >= 0)
    if not len(known):
        return lower
    sizes, over = np.diff(table["indptr"])[rows[known]], table["left_over"][rows[known]]
    seen = counts[rows[known]]
    totals = np.asarray(seen.sum(axis=1)).ravel() + over
    seen.data = seen.data - discount
    made = lower.copy()
    given = (discount * sizes + over) / totals
    made[known] = lower[known] * given[:, None] + seen.toarray() / totals[:, None]
    return made


def matrix(table: Table, n_steps: int) -> csr_matrix:
    """The counts (contexts, steps)."""
    from scipy.sparse import csr_matrix

    shape = (len(table["keys"]), n_steps)
    return csr_matrix((table["times"].astype(np.float64), table["steps"], table["indptr"]), shape=shape)


def _flat(sequences: Sequence[Steps], people: People) -> tuple[NDArray[np.str_], Codes, Codes]:
    """Steps of all sequences, whose each is, and where its sequence starts: three arrays (n,)."""
    sizes = np.array([len(steps) for steps in sequences], dtype=np.int64)
    owners = np.arange(len(sizes)) if people is None else encode(np.asarray(people, dtype=object))[0]
    flat = np.array([step for steps in sequences for step in steps], dtype=str)
    return flat, np.repeat(owners, sizes), np.repeat(np.cumsum(sizes) - sizes, sizes)


def _extended(contexts: Codes, steps: Codes, n_steps: int) -> Codes:
    return np.where((contexts >= 0) & (steps >= 0), contexts * n_steps + steps, UNKNOWN)


def _by_people(keys: Codes, people: Codes, n_people: int) -> tuple[Codes, Codes, Codes]:
    """Each key once, sorted, how often it is there, and how many people have it."""
    found, places = np.unique(keys, return_inverse=True)
    both, times = np.unique(places * n_people + people, return_counts=True)
    _, starts, owners = np.unique(both // max(n_people, 1), return_index=True, return_counts=True)
    return found, np.add.reduceat(times, starts) if len(found) else times, owners


def _left_over(
    contexts: Codes, keys: Codes, is_left: NDArray[np.bool_], owned: tuple[Codes, int], k_people: int
) -> Codes:
    """How often a pair that is not kept came after each of contexts, where k_people people had one."""
    found, times, owners = _by_people(keys[is_left], owned[0][is_left], owned[1])
    made = np.zeros(len(contexts), dtype=np.int64)
    shared = (owners >= k_people) & np.isin(found, contexts)
    made[np.searchsorted(contexts, found[shared])] = times[shared]
    return made
