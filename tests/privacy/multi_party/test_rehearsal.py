"""Three processes over TLS on this machine, beside a library that others made for the same (mpyc)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.groups import MPYC
from benchmarks.running import interpreter_with
from privacy.multi_party.computation import HISTOGRAM, MEAN, SUM
from privacy.multi_party.errors import MultiPartyInputError
from privacy.multi_party.rehearsal import rehearse
from tests.privacy.multi_party.gathering import NAMES, computation

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.integration


def test_three_processes_find_the_sum(tmp_path: Path) -> None:
    agreed = replace(computation(), length=2_000)
    values = {name: np.round(np.random.default_rng(i).normal(size=2_000), 2) for i, name in enumerate(NAMES)}
    found = rehearse(agreed, values, tmp_path)
    np.testing.assert_allclose(found.result.values, sum(values.values()), atol=1e-9)


def test_values_of_a_party_that_was_not_agreed_on_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MultiPartyInputError, match="of nobody else"):
        rehearse(computation(), {"north": np.zeros(4)}, tmp_path)


def test_mpyc_agrees(tmp_path: Path) -> None:
    """Sums, a mean and a histogram of whole numbers by Shamir sharing, in mpyc's own three processes."""
    python, why_not = interpreter_with(*MPYC)
    if python is None:
        pytest.skip(why_not)
    random = np.random.default_rng(5)
    values = {name: random.integers(-500, 500, 20).astype(np.float64) for name in NAMES}
    (tmp_path / "values.json").write_text(json.dumps([values[name].astype(int).tolist() for name in NAMES]))
    script = ROOT / "benchmarks" / "mpyc_peer.py"
    done = subprocess.run(
        [python, script, "-M3", "--no-log", tmp_path / "values.json"], capture_output=True, text=True, check=True
    )
    peer = json.loads(done.stdout.strip().splitlines()[-1])
    agreed = {
        "sum": computation(statistic=SUM, length=20), "mean": computation(statistic=MEAN, decimals=0),
        "histogram": computation(statistic=HISTOGRAM, edges=(-100.0, 0.0, 100.0)),
    }  # fmt: skip
    vectors = {kind: [c.vector(values[name]) for name in NAMES] for kind, c in agreed.items()}
    found = {kind: c.result(np.add.reduce(vectors[kind])).values for kind, c in agreed.items()}
    assert list(found["sum"]) == peer["sum"]
    assert list(found["histogram"]) == peer["histogram"]
    assert found["mean"][0] == pytest.approx(peer["total"] / peer["n"], abs=1e-12)
