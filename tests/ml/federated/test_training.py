"""A federated model is as good as one of all rows together; noise hides a person or a silo, and is paid for outside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import churn
from ml.federated import local, silos, training
from ml.federated.aggregation import Aggregate
from ml.federated.comparison import Comparison
from ml.federated.errors import FederatedInputError, TooFewSilosError, UnusableVectorError
from ml.federated.federation import Federation, federate, silos_of
from ml.federated.local import GRADIENT, STATISTICS, UPDATE, Rows, Task
from ml.federated.model import LinearModel
from ml.federated.protection import PERSON, SILO, Protection
from ml.federated.training import Plan
from ml.journal import Journal
from ml.measurement import later_rows
from ml.training_sets import TrainingSet
from tests.ml import synthetic
from tests.ml.federated.circle import Leaving, entropy

K = 3
COLUMNS = tuple("abc")


def rows(n: int = 40, seed: int = 0, n_people: int = 10) -> Rows:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, K)) * 3
    labels = (features[:, 0] + random.normal(size=n) > 0).astype(np.float64)
    features[random.random((n, K)) < 0.1] = np.nan
    return Rows(features, labels, random.integers(0, n_people, n))


def model(seed: int = 1) -> LinearModel:
    random = np.random.default_rng(seed)
    return LinearModel(COLUMNS, random.normal(size=K), random.uniform(0.5, 2, K), random.normal(size=K + 1))


@pytest.fixture(scope="module")
def federation(small_set: TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> Federation:
    with Journal(tmp_path_factory.mktemp("logs"), now=lambda: synthetic.AT) as journal:
        plan = Plan(small_set.columns, rounds=12)
        return federate(small_set, plan, journal, entropy=entropy(0), progress=lambda _: None)


def test_federated_is_close_to_central_and_better_than_alone(federation: Federation) -> None:
    found: Comparison = federation.comparison
    assert abs(found.loss.value) < 0.01
    assert found.federated.value > found.local_only + 0.01
    assert (federation.n_silos, federation.n_gone, federation.threshold) == (30, 0, 21)


def test_the_model_is_a_pipeline_that_gates_and_registry_know(federation: Federation, small_set: TrainingSet) -> None:
    features = later_rows(small_set).features
    values = features[list(small_set.columns)].to_numpy(np.float64)
    scores = churn.probabilities(federation.model.pipeline(), features)
    np.testing.assert_allclose(scores, federation.model.probabilities(values), atol=1e-12)


def test_what_happened_is_journaled_without_a_company(small_set: TrainingSet, journal: Journal, tmp_path: Any) -> None:
    plan = Plan(small_set.columns, GRADIENT, rounds=1, threshold=30)
    federate(small_set, plan, journal, entropy=entropy(0), progress=lambda _: None)
    with pytest.raises(FederatedInputError):
        federate(small_set, replace(plan, threshold=1), journal, entropy=entropy(0), progress=lambda _: None)
    journal.close()
    text = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert all(event in text for event in ("TRAINING_STARTED", "MODEL_EVALUATED", "TRAINING_FAILED"))
    assert "c001" not in text


def test_silos_that_leave_are_done_without_until_too_few_are_left(small_set: TrainingSet) -> None:
    reports: list[Aggregate] = []
    members = silos.members({n: rows(seed=n) for n in range(1, 6)}, entropy(0))
    leaving = {n: Leaving(m, "confirm" if n == 1 else "") for n, m in members.items()}
    found = training.train(leaving, Plan(COLUMNS, rounds=2), b"t" * 16, lambda _, report: reports.append(report))
    assert np.isfinite(found.model.weights).all()
    assert [set(gone) for gone in found.gone] == [{1}] * 3
    assert [report.survivors for report in reports] == [(1, 2, 3, 4, 5)] * 3
    fewer = {n: Leaving(m, "contribute" if n < 3 else "") for n, m in members.items()}
    with pytest.raises(TooFewSilosError):
        training.train(fewer, Plan(COLUMNS, rounds=2), b"u" * 16)
    assert small_set.columns


@pytest.mark.parametrize("kind", [STATISTICS, GRADIENT, UPDATE])
def test_an_answer_is_as_long_for_one_row_as_for_many(kind: str) -> None:
    task = Task(kind, model())
    sizes = {len(local.answer(task, rows(n), 3, None, None)) for n in (1, 7, 400)}
    assert sizes == {task.length} == {2 + 3 * K if kind == STATISTICS else 2 + K}
    empty = Rows(np.zeros((0, K)), np.zeros(0), np.zeros(0, np.int64))
    assert not local.answer(task, empty, 3, None, None).any()


def test_sums_of_silos_are_those_of_all_rows_together() -> None:
    parts = [rows(n, seed=n) for n in (5, 20, 30)]
    whole = Rows(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("features", "labels", "people")))
    for kind in (STATISTICS, GRADIENT):
        total = sum(local.plain_sum(Task(kind, model()), part) for part in parts)
        np.testing.assert_allclose(total, local.plain_sum(Task(kind, model()), whole), atol=1e-9)
    scaled, n = training.scaled(COLUMNS, local.statistics(whole).sum(axis=0))
    squeezed = np.arcsinh(whole.features)
    assert n == 55
    np.testing.assert_allclose(scaled.center, np.nanmean(squeezed, axis=0))
    np.testing.assert_allclose(scaled.scale, np.nanstd(squeezed, axis=0))


def test_gradients_are_those_of_the_loss() -> None:
    held, base, step = rows(), model(), 1e-6

    def loss(candidate: LinearModel) -> float:
        p = candidate.probabilities(held.features)
        return float(-(held.labels * np.log(p) + (1 - held.labels) * np.log(1 - p)).sum())

    slopes = [(loss(base.moved(d)) - loss(base.moved(-d))) / (2 * step) for d in np.eye(K + 1) * step]
    np.testing.assert_allclose(local.gradients(base, held).sum(axis=0), slopes, rtol=1e-4)


def silent(_kind: str, n: int) -> list[int]:
    return [0] * n


@given(st.integers(0, 10_000), st.sampled_from([STATISTICS, GRADIENT]), st.floats(0.01, 5))
@settings(max_examples=25, deadline=None)
def test_one_person_moves_a_sum_by_no_more_than_the_clip(seed: int, kind: str, clip: float) -> None:
    held = rows(60, seed)
    protection, task = Protection(PERSON, clip, clip), Task(kind, model(seed))
    others = held.people != held.people[0]
    without = Rows(held.features[others], held.labels[others], held.people[others])
    moved = [local.answer(task, part, 3, protection, silent).view(np.int64) for part in (held, without)]
    difference = [int(a) - int(b) for a, b in zip(*moved, strict=True)]
    assert 0 < sum(d * d for d in difference) <= protection.sensitivity(kind) ** 2


@given(st.integers(0, 10_000), st.sampled_from([STATISTICS, GRADIENT, UPDATE]))
@settings(max_examples=25, deadline=None)
def test_a_silo_moves_a_sum_by_no_more_than_the_clip(seed: int, kind: str) -> None:
    protection, task = Protection(SILO, 0.3, 0.3), Task(kind, model(seed), steps=5)
    answered = local.answer(task, rows(50, seed), 3, protection, silent).view(np.int64)
    assert sum(int(a) ** 2 for a in answered) <= protection.sensitivity(kind) ** 2


def test_a_clip_that_is_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "clipped", lambda vectors, _clip: (vectors * 2**24).astype(np.int64))
    protection = Protection(SILO, 0.01)
    answered = local.answer(Task(GRADIENT, model()), rows(), 3, protection, silent).view(np.int64)
    assert sum(int(a) ** 2 for a in answered) > protection.sensitivity(GRADIENT) ** 2


def test_every_silo_adds_its_part_of_the_noise_before_its_mask() -> None:
    asked: list[tuple[str, int]] = []

    def noise(kind: str, n: int) -> list[int]:
        asked.append((kind, n))
        return [7 << 24] * n

    members = silos.members({n: rows(seed=n) for n in (1, 2, 3)}, entropy(0), Protection(PERSON, 1.0), noise)
    plan = Plan(COLUMNS, GRADIENT, rounds=1, protection=Protection(PERSON, 1.0))
    found = training.train(members, plan, b"n" * 16)
    assert asked == [(STATISTICS, 2 + 3 * K)] * 3 + [(GRADIENT, 2 + K)] * 3
    assert 21 + 8 < found.n <= 21 + 30  # three silos of at most ten people, and three times the same noise


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "sums"}, {"rounds": 0}, {"steps": 0}, {"columns": ()},
        {"method": UPDATE, "protection": Protection(PERSON, 1.0)},
    ],
)  # fmt: skip
def test_plans_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FederatedInputError):
        Plan(**{"columns": COLUMNS, **wrong})


def test_protection_and_rows_that_make_no_sense_are_refused() -> None:
    for unit, clip in (("row", 1.0), (PERSON, 0.0), (SILO, float("nan"))):
        with pytest.raises(FederatedInputError):
            Protection(unit, clip)
    with pytest.raises(FederatedInputError, match="protects nobody"):
        silos.members({1: rows(), 2: rows(), 3: rows()}, entropy(0), Protection(SILO, 1.0))
    with pytest.raises(FederatedInputError, match="equally many"):
        Rows(np.zeros((2, 1)), np.zeros(1), np.zeros(2, np.int64))
    with pytest.raises(UnusableVectorError, match="infinite"):
        Rows(np.full((1, 1), np.inf), np.zeros(1), np.zeros(1, np.int64))
    with pytest.raises(UnusableVectorError):
        local.clipped(np.array([[np.nan]]), 1.0)


def test_companies_of_few_people_are_no_silos() -> None:
    companies = np.array(["b"] * 5 + ["a"] * 4 + [None] * 9 + ["c"] * 6, dtype=object)
    subjects = np.array([f"s{i}" for i in range(len(companies))], dtype=object)
    subjects[-1] = subjects[-2]
    assert silos.numbered(companies, subjects) == {"b": 1, "c": 2}
    few = synthetic.frame(40, 8).assign(company="c1")
    with pytest.raises(FederatedInputError, match="1 companies have 5 people"):
        silos_of(synthetic.training_set(few))
