"""Silos in one process: each with its own rows, keys and part of the noise. Over a network each would be a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml.federated import masks
from ml.federated.errors import FederatedInputError
from ml.federated.local import Rows, Task, answer
from ml.federated.masks import Words
from ml.federated.member import Compute, Member
from ml.federated.model import require_columns
from ml.federated.protection import Noise, Protection
from ml.federated.shamir import Entropy

if TYPE_CHECKING:
    import pandas as pd

LEAST_PEOPLE = 5  # a silo of fewer is nearly a person


def members(
    silos: Mapping[int, Rows],
    entropy: Entropy,
    protection: Protection | None = None,
    noise: Noise | None = None,
) -> dict[int, Member]:
    """Silos that take part, by number. noise: draws one silo's part of it; each draw is its own.

    Raises FederatedInputError where protection is asked for without noise.
    """
    if protection is not None and noise is None:
        raise FederatedInputError("protection without noise protects nobody; pass the mechanism that draws it")
    keys = {number: masks.private_key(entropy(32)) for number in silos}
    roster = {number: masks.public_bytes(key) for number, key in keys.items()}

    def computing(rows: Rows) -> Compute:
        def compute(task: Task) -> Words:
            return answer(task, rows, len(roster), protection, noise)

        return compute

    return {number: Member(number, keys[number], roster, computing(rows), entropy) for number, rows in silos.items()}


def by_company(
    features: pd.DataFrame, columns: tuple[str, ...], labels: np.ndarray, subjects: np.ndarray, companies: np.ndarray
) -> dict[int, Rows]:
    """Each company's rows as a silo, numbered from 1 in an order that says nothing; rows of no company are in none.

    A company with fewer than LEAST_PEOPLE people is left out.
    """
    require_columns(tuple(c for c in columns if c in features.columns), columns)
    values = features[list(columns)].to_numpy(np.float64)
    people = np.unique(subjects.astype(str), return_inverse=True)[1]
    found = {}
    for company in sorted({c for c in companies.tolist() if isinstance(c, str)}):
        mask = companies == company
        if len(np.unique(people[mask])) >= LEAST_PEOPLE:
            found[len(found) + 1] = Rows(values[mask], labels[mask].astype(np.float64), people[mask])
    return found
