"""What is agreed has one digest, makes exact whole numbers of values, and refuses what cannot be computed."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from privacy.multi_party import shares
from privacy.multi_party.computation import HISTOGRAM, MEAN, SUM, Computation, Party
from privacy.multi_party.errors import MultiPartyInputError
from privacy.multi_party.values import read_values

PARTIES = tuple(Party(name, "127.0.0.1", 7000 + i) for i, name in enumerate(("north", "south", "west")))
AGREED = Computation("seats", SUM, PARTIES, length=2)


def test_every_word_of_the_agreement_is_in_its_digest() -> None:
    changed = [
        replace(AGREED, name="other"), replace(AGREED, statistic=MEAN), replace(AGREED, length=3),
        replace(AGREED, decimals=1), replace(AGREED, largest=5.0), replace(AGREED, parties=PARTIES[::-1]),
        replace(AGREED, edges=(1.0,)), replace(AGREED, parties=(*PARTIES[:2], Party("west", "127.0.0.1", 9))),
    ]  # fmt: skip
    assert len({c.digest() for c in (AGREED, *changed)}) == 1 + len(changed)
    assert replace(AGREED).digest() == AGREED.digest()


def test_a_file_is_read_as_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "seats.yaml"
    parties = "".join(f"  - {{name: {p.name}, host: {p.host}, port: {p.port}}}\n" for p in PARTIES)
    file.write_text(f"name: seats\nstatistic: histogram\nedges: [0, 10, 100.5]\nparties:\n{parties}")
    found = Computation.load(file)
    assert found == Computation("seats", HISTOGRAM, PARTIES, edges=(0.0, 10.0, 100.5))
    assert Computation.parse(asdict(found)).digest() == found.digest()
    for text in ("", "[1]", "name: [", "name: x\nstatistic: sum\nparties: 3", "statistic: sum"):
        file.write_text(text)
        with pytest.raises(MultiPartyInputError):
            Computation.load(file)
    with pytest.raises(MultiPartyInputError):
        Computation.load(tmp_path / "absent")


@pytest.mark.parametrize(
    "wrong",
    [
        {"parties": PARTIES[:2]}, {"parties": (*PARTIES, PARTIES[0])}, {"statistic": "median"}, {"length": 0},
        {"length": 10**9}, {"length": 1.5}, {"statistic": HISTOGRAM}, {"statistic": HISTOGRAM, "edges": (2.0, 1.0)},
        {"statistic": HISTOGRAM, "edges": (float("nan"),)}, {"decimals": 10}, {"decimals": -1}, {"largest": 0.0},
        {"largest": 1e15}, {"name": " "}, {"parties": (*PARTIES[:2], Party("West", "h", 1))},
        {"parties": (*PARTIES[:2], Party("authority", "h", 1))}, {"parties": (*PARTIES[:2], Party("west", "h", 0))},
    ],
)  # fmt: skip
def test_what_cannot_be_computed_or_protects_nobody_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(MultiPartyInputError):
        replace(AGREED, **wrong).checked()


def summed(agreed: Computation, *values: list[float]) -> tuple[tuple[float, ...], int]:
    found = agreed.result(shares.added([agreed.vector(np.array(v)) for v in values], agreed.size))
    return found.values, found.n


def test_statistics_of_vectors_are_those_of_values() -> None:
    assert summed(AGREED, [1.25, -2], [0.5, -3.5], [0, 0.01]) == ((1.75, -5.49), 3)
    mean = replace(AGREED, statistic=MEAN)
    assert summed(mean, [1, 2, 3], [-10.5], []) == ((-1.125,), 4)
    assert summed(mean, [], [], []) == ((), 0)
    bins = replace(AGREED, statistic=HISTOGRAM, edges=(0.0, 10.0))
    assert summed(bins, [-1, 0, 9.99], [10, 1e9], []) == ((1, 2, 2), 5)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0], [1.0, float("nan")], [1.0, float("inf")], [1.0, 2e9]])
def test_values_that_were_not_agreed_on_are_refused(values: list[float]) -> None:
    with pytest.raises(MultiPartyInputError) as caught:
        AGREED.vector(np.array(values))
    assert "3.0" not in str(caught.value)


def test_values_are_read_from_text_and_numpy_and_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("1\n2.5\n\n-3e2\n")
    assert read_values(tmp_path / "v.txt").tolist() == [1, 2.5, -300]
    np.save(tmp_path / "v.npy", np.arange(3))
    assert read_values(tmp_path / "v.npy").tolist() == [0, 1, 2]
    np.save(tmp_path / "p.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "secret.txt").write_text("hunter2")
    for name in ("p.npy", "secret.txt", "absent"):
        with pytest.raises(MultiPartyInputError) as caught:
            read_values(tmp_path / name)
        assert "hunter2" not in str(caught.value)
