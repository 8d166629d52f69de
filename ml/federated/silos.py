"""Silos in one process: each with its own rows, keys and part of the noise. Over a network each would be a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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

    return {
        n: Member(n, keys[n], roster, computing(rows, len(roster), protection, noise), entropy)
        for n, rows in silos.items()
    }


def computing(rows: Rows, n_silos: int, protection: Protection | None = None, noise: Noise | None = None) -> Compute:
    """What a silo answers tasks with: sums over its rows, for a sum over so many silos."""

    def compute(task: Task) -> Words:
        return answer(task, rows, n_silos, protection, noise)

    return compute


def by_company(
    features: pd.DataFrame,
    columns: tuple[str, ...],
    labels: NDArray[np.bool_],
    subjects: NDArray[np.object_],
    companies: NDArray[np.object_],
) -> dict[int, Rows]:
    """Each company's rows as a silo by its number; rows of no company, or of a company too small, are in none."""
    require_columns(tuple(c for c in columns if c in features.columns), columns)
    values = features[list(columns)].to_numpy(np.float64)
    people = np.unique(subjects.astype(str), return_inverse=True)[1]
    return {
        number: Rows(values[mask], labels[mask].astype(np.float64), people[mask])
        for company, number in numbered(companies, subjects).items()
        for mask in [companies == company]
    }


def numbered(companies: NDArray[np.object_], subjects: NDArray[np.object_]) -> dict[str, int]:
    """A number from 1 for each company of at least LEAST_PEOPLE people, in the order of their names."""
    people: dict[str, set[str]] = {}
    for company, subject in zip(companies.tolist(), subjects.tolist(), strict=True):
        if isinstance(company, str):
            people.setdefault(company, set()).add(subject)
    large = sorted(company for company, members_of in people.items() if len(members_of) >= LEAST_PEOPLE)
    return {company: number for number, company in enumerate(large, 1)}
