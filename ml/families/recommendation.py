"""What somebody may want next, from the set of what they used: popularity, item-to-item, factors. No person is kept.

A person's vector is made anew from their set when it is asked for; fitted objects hold items, and pairs of items that
k people share. Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from ml.families.step_tables import places_in
from ml.families.terms import K_PEOPLE, NothingSharedError
from ml.intervals import Floats

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

Sets = Sequence[Collection[str]]  # one of each person
PEOPLE_AT_ONCE = 2_000


class Popularity(BaseEstimator):  # type: ignore[misc]
    """The baseline: how many people use an item, whoever asks. names_: items that k_people people use, sorted."""

    def __init__(self, k_people: int = K_PEOPLE) -> None:
        self.k_people = k_people

    def fit(self, sets: Sets, y: object = None) -> Popularity:  # noqa: ARG002
        """Count people of each item; sets (n,) are of one person each. Raises NothingSharedError."""
        self.names_ = shared_items(sets, self.k_people)
        self.n_people_ = np.asarray(used(sets, self.names_).sum(axis=0), dtype=np.float64).ravel()
        return self

    def scores(self, sets: Sets) -> Floats:
        """The score of each of names_ for each set: (n, items)."""
        return np.asarray(np.tile(self.n_people_, (len(sets), 1)))


class ItemToItem(BaseEstimator):  # type: ignore[misc]
    """People who use this use that: likeness of items by the people they share, summed over a set.

    likeness of i and j: n_ij / (n_i ** (1 - tilt) * n_j ** tilt + shrink): tilt 0 is P(j | i), 0.5 is the cosine, more
    is for rare items (Deshpande & Karypis, ACM TOIS 22, 2004); shrink draws pairs of few people to 0. weights_ (items,
    items) has no pair of fewer than k_people people.
    """

    def __init__(self, tilt: float = 0.5, shrink: float = 10.0, k_people: int = K_PEOPLE) -> None:
        self.tilt = tilt
        self.shrink = shrink
        self.k_people = k_people

    def fit(self, sets: Sets, y: object = None) -> ItemToItem:  # noqa: ARG002
        """Learn likenesses; sets (n,) are of one person each. Raises NothingSharedError."""
        self.names_ = shared_items(sets, self.k_people)
        table = used(sets, self.names_)
        shared = np.asarray((table.T @ table).toarray(), dtype=np.float64)
        n_people = np.diag(shared).copy()
        np.fill_diagonal(shared, 0)
        shared[shared < self.k_people] = 0
        self.weights_ = shared / (np.outer(n_people ** (1 - self.tilt), n_people**self.tilt) + self.shrink)
        self.shares_ = n_people / n_people.sum()
        return self

    def scores(self, sets: Sets) -> Floats:
        """The score of each of names_ for each set (n, items); popularity decides where likeness says nothing."""
        return np.asarray(used(sets, self.names_) @ self.weights_ + 1e-9 * self.shares_)


class ImplicitFactors(BaseEstimator):  # type: ignore[misc]
    """Matrix factorisation of who uses what, by alternating least squares (Hu, Koren & Volinsky, ICDM 2008).

    Only items_ (items, width) are kept. A person's factors are solved for from their set when it is asked for, as they
    are while training: they are nowhere stored. trust: how much more a use says than none.
    """

    def __init__(
        self, width: int = 8, trust: float = 10.0, penalty: float = 1.0, rounds: int = 15, k_people: int = K_PEOPLE,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.width = width
        self.trust = trust
        self.penalty = penalty
        self.rounds = rounds
        self.k_people = k_people
        self.seed = seed

    def fit(self, sets: Sets, y: object = None) -> ImplicitFactors:  # noqa: ARG002
        """Learn factors; sets (n,) are of one person each. Same sets, same seed, same factors.

        Raises NothingSharedError.
        """
        self.names_ = shared_items(sets, self.k_people)
        table = used(sets, self.names_)
        drawn = np.random.default_rng(self.seed).normal(scale=0.1, size=(len(self.names_), self.width))
        self.items_ = drawn
        for _ in range(self.rounds):
            self.items_ = self._items(table.tocsc(), self._solved(table, self.items_))
        return self

    def scores(self, sets: Sets) -> Floats:
        """The score of each of names_ for each set: (n, items)."""
        return np.asarray(self._solved(used(sets, self.names_), self.items_) @ self.items_.T)

    def _solved(self, table: csr_matrix, items: Floats) -> Floats:
        """The factors of people (n, width) who use what table (n, m) says, given those of the items (m, width)."""
        plain = items.T @ items + self.penalty * np.eye(self.width)
        products = (items[:, :, None] * items[:, None, :]).reshape(len(items), -1)
        made = np.zeros((table.shape[0], self.width))
        for start in range(0, table.shape[0], PEOPLE_AT_ONCE):
            part = table[start : start + PEOPLE_AT_ONCE]
            left = plain + self.trust * (part @ products).reshape(-1, self.width, self.width)
            right = (1 + self.trust) * (part @ items)
            made[start : start + PEOPLE_AT_ONCE] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        return made

    def _items(self, table: csc_matrix, people: Floats) -> Floats:
        """The factors of items (m, width) given those of the people (n, width): item by item, as people are many."""
        plain = people.T @ people + self.penalty * np.eye(self.width)
        made = np.zeros((table.shape[1], self.width))
        for item in range(table.shape[1]):
            users = people[table.indices[table.indptr[item] : table.indptr[item + 1]]]
            made[item] = np.linalg.solve(plain + self.trust * users.T @ users, (1 + self.trust) * users.sum(axis=0))
        return made


def shared_items(sets: Sets, k_people: int) -> list[str]:
    """Items that at least k_people of the sets hold, sorted. Raises NothingSharedError where there is none."""
    names, n_people = np.unique([item for items in sets for item in set(items)], return_counts=True)
    shared = [str(name) for name in names[n_people >= k_people]]
    if not shared:
        raise NothingSharedError(f"no item is used by {k_people} people; train on more people")
    return shared


def used(sets: Sets, names: Sequence[str]) -> csr_matrix:
    """1 where a set holds an item of names: (n, items), sparse."""
    from scipy.sparse import csr_matrix

    distinct = [sorted(set(items)) for items in sets]
    rows = np.repeat(np.arange(len(sets)), [len(items) for items in distinct])
    columns = places_in(names, np.array([item for items in distinct for item in items], dtype=str))
    known = columns >= 0
    ones = np.ones(int(known.sum()))
    return csr_matrix((ones, (rows[known], columns[known])), shape=(len(sets), len(names)))
