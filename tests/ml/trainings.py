"""Small trainings made from a seed: healthy ones, and ones with a planted problem. Real learners, no stored figures.

`planted(cause, variant, seed)` and `healthy(variant, seed)` return what ml.diagnosis is told. The benchmark that chose
the limits uses seeds below 1,000, the tests seeds from 1,000 on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ml.diagnosis import Cause, TrainingFigures
from tests.ml.learners import HEALTHY, N_FOLDS, Learner, Rows, Task, boosting, logistic, stepwise, watch


def healthy(variant: int, seed: int) -> TrainingFigures:
    """The figures of a training without a problem; variants differ in learner, size and share of positive rows."""
    return watch(_sound(variant, seed), seed)


def _sound(variant: int, seed: int, **changes: Any) -> Task:
    learner, epochs = HEALTHY[variant % len(HEALTHY)]
    draw = np.random.default_rng([seed, variant])
    n = int(draw.integers(800, 1_200))
    task = _rows(draw, n, n_noise=int(draw.integers(2, 6)), share=float(draw.uniform(0.25, 0.7)))
    return replace(task, learner=learner, epochs=epochs, **changes)


def _rows(draw: np.random.Generator, n: int, *, n_noise: int = 4, share: float = 0.45, signal: float = 1.0) -> Task:
    """Half as many later rows of the same kind; four features matter, one of them as a curve."""
    total = n + n // 2
    values = draw.normal(size=(total, 4 + n_noise))
    values[:, 1] = np.exp(values[:, 1] / 2)
    score = signal * (values[:, 0] + np.log(values[:, 1]) * 1.2 - 0.6 * values[:, 2] + 0.5 * values[:, 3])
    score = score + draw.logistic(size=total)
    labels = score > np.quantile(score, 1 - share)
    people = np.array([f"p{i}" for i in range(n)], dtype=object)
    return Task(values[:n], labels[:n], values[n:], labels[n:], people, logistic)


# Planted problems: cause -> variants, each a function of a seed.


def _many_leaves(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = GradientBoostingClassifier(n_estimators=30, max_depth=5, learning_rate=0.5, random_state=seed)
    return replace(_rows(draw, 400, n_noise=16), learner=lambda _: learner)


def _single_leaves(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = HistGradientBoostingClassifier(
        learning_rate=0.4, max_iter=30, max_leaf_nodes=31, min_samples_leaf=2, early_stopping=False, random_state=seed
    )
    return replace(_rows(draw, 500, n_noise=20), learner=lambda _: learner)


def _learnt_by_heart(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = make_pipeline(
        StandardScaler(),
        MLPClassifier((60,), alpha=0.0, learning_rate_init=0.01, batch_size=64, random_state=seed),
    )
    return replace(_rows(draw, 240, n_noise=16), learner=lambda _: learner, epochs=40)


def _more_columns_than_people(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = make_pipeline(StandardScaler(), LogisticRegression(C=1e4, max_iter=3_000))
    return replace(_rows(draw, 240, n_noise=110), learner=lambda _: learner)


def _products(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), StandardScaler(), LogisticRegression(C=1e3, max_iter=5_000)
    )
    return replace(_rows(draw, 300, n_noise=12), learner=lambda _: learner)


def _grown_forest(seed: int) -> Task:
    draw = np.random.default_rng(seed)
    learner = RandomForestClassifier(20, min_samples_leaf=1, random_state=seed)
    return replace(_rows(draw, 400, n_noise=12), learner=lambda _: learner)


def _too_large_a_step(rate: float) -> Callable[[int], Task]:
    def make(seed: int) -> Task:
        learner = make_pipeline(
            StandardScaler(),
            SGDClassifier("log_loss", alpha=1e-6, learning_rate="constant", eta0=rate, random_state=seed),
        )
        return replace(_rows(np.random.default_rng(seed), 800), learner=lambda _: learner, epochs=30)

    return make


def _network_that_jumps(seed: int) -> Task:
    learner = make_pipeline(
        StandardScaler(),
        MLPClassifier((16,), solver="sgd", learning_rate_init=8.0, momentum=0.95, batch_size=50, random_state=seed),
    )
    return replace(_rows(np.random.default_rng(seed), 800), learner=lambda _: learner, epochs=30)


def _boosting_that_bursts(seed: int) -> Task:
    learner = GradientBoostingClassifier(n_estimators=30, max_depth=2, learning_rate=6.0, random_state=seed)
    return replace(_rows(np.random.default_rng(seed), 800), learner=lambda _: learner)


def _a_third_of_another_kind(seed: int) -> Task:
    """The people of one fold behave the other way round: which folds are learnt from decides."""
    task = _rows(np.random.default_rng(seed), 900)
    odd = np.arange(900) % N_FOLDS == 0
    return replace(task, labels=np.where(odd, ~task.labels, task.labels), later_features=task.features[:0])


def _few_steps_of_boosting(seed: int) -> Task:
    learner = GradientBoostingClassifier(n_estimators=12, max_depth=2, learning_rate=0.02, random_state=seed)
    return replace(_rows(np.random.default_rng(seed), 1_000), learner=lambda _: learner)


def _few_steps_of_histograms(seed: int) -> Task:
    learner = HistGradientBoostingClassifier(
        learning_rate=0.01, max_iter=15, max_leaf_nodes=6, min_samples_leaf=40, early_stopping=False, random_state=seed
    )
    return replace(_rows(np.random.default_rng(seed), 1_000), learner=lambda _: learner)


def _solver_cut_short(seed: int) -> Task:
    task = _rows(np.random.default_rng(seed), 800)
    scales = np.logspace(0, 3, task.features.shape[1])
    learner = Pipeline([("classify", LogisticRegression(max_iter=4))])
    return replace(
        task, features=task.features * scales, later_features=task.later_features * scales, learner=lambda _: learner
    )


def _short_steps(seed: int) -> Task:
    learner = make_pipeline(
        StandardScaler(),
        SGDClassifier("log_loss", alpha=1e-4, learning_rate="constant", eta0=1e-5, random_state=seed),
    )
    return replace(_rows(np.random.default_rng(seed), 800), learner=lambda _: learner, epochs=20)


def _sluggish_network(seed: int) -> Task:
    learner = make_pipeline(
        StandardScaler(), MLPClassifier((8,), solver="adam", learning_rate_init=2e-4, batch_size=100, random_state=seed)
    )
    return replace(_rows(np.random.default_rng(seed), 800), learner=lambda _: learner, epochs=20)


def _rare(share: float, learner: Learner, signal: float) -> Callable[[int], Task]:
    def make(seed: int) -> Task:
        return replace(_rows(np.random.default_rng(seed), 1_800, share=share, signal=signal), learner=learner)

    return make


def _with_column(column: Callable[[np.random.Generator, NDArray[np.bool_]], Rows], learner: Learner) -> Any:
    """A feature made from the outcome, there as well as later."""

    def make(seed: int) -> Task:
        draw = np.random.default_rng(seed)
        task = _rows(draw, 800)
        return replace(
            task,
            features=np.column_stack([task.features, column(draw, task.labels)]),
            later_features=np.column_stack([task.later_features, column(draw, task.later_labels)]),
            learner=learner,
        )

    return make


def _measured_after(draw: np.random.Generator, labels: NDArray[np.bool_]) -> Rows:
    return np.where(labels, 0.0, draw.exponential(5.0, len(labels)) + 0.5)


def _noisy_copy(draw: np.random.Generator, labels: NDArray[np.bool_]) -> Rows:
    return labels + draw.normal(scale=0.4, size=len(labels))


def _mean_of_the_outcome(draw: np.random.Generator, labels: NDArray[np.bool_]) -> Rows:
    """A code with two rows each replaced by the mean outcome of its rows, their own among them."""
    codes = draw.integers(0, max(len(labels) // 2, 1), len(labels))
    sums = np.bincount(codes, labels)
    return np.asarray(sums / np.maximum(np.bincount(codes), 1))[codes]


def _rows_twice(seed: int) -> Task:
    """Every person has three rows, which fall into different folds."""
    task = _rows(np.random.default_rng(seed), 900)
    return replace(task, people=np.array([f"p{i // 3}" for i in range(900)], dtype=object), learner=boosting)


def _later(change: Callable[[Task, np.random.Generator], Task], learner: Learner) -> Callable[[int], Task]:
    def make(seed: int) -> Task:
        draw = np.random.default_rng(seed)
        return replace(change(_rows(draw, 1_200), draw), learner=learner)

    return make


def _other_unit(task: Task, _draw: np.random.Generator) -> Task:
    return replace(task, later_features=task.later_features * np.array([8.0, *np.ones(task.features.shape[1] - 1)]))


def _turned_round(task: Task, _draw: np.random.Generator) -> Task:
    signs = np.array([-1.0, 1.0, -1.0, *np.ones(task.features.shape[1] - 3)])
    return replace(task, later_features=task.later_features * signs)


def _gone(task: Task, _draw: np.random.Generator) -> Task:
    kept = task.later_features.copy()
    kept[:, :2] = 0.0
    return replace(task, later_features=kept)


def _other_share(task: Task, draw: np.random.Generator) -> Task:
    """Most of the positive people of later have gone."""
    stays = ~task.later_labels | (draw.random(len(task.later_labels)) < 0.15)
    return replace(task, later_features=task.later_features[stays], later_labels=task.later_labels[stays])


def _moved_on(task: Task, draw: np.random.Generator) -> Task:
    """Another reason decides later: the last feature."""
    score = 2 * task.later_features[:, -1] + draw.logistic(size=len(task.later_labels))
    return replace(task, later_labels=score > 0)


def _shifted(task: Task, _draw: np.random.Generator) -> Task:
    moved = task.later_features.copy()
    moved[:, 0] += 2.5
    return replace(task, later_features=moved)


PLANTED: dict[Cause, tuple[Callable[[int], Task], ...]] = {
    Cause.OVERFITTING: (
        _many_leaves, _single_leaves, _learnt_by_heart, _more_columns_than_people, _products, _grown_forest,
    ),
    Cause.INSTABILITY: (
        _too_large_a_step(20.0), _too_large_a_step(200.0), _network_that_jumps, _boosting_that_bursts,
        _a_third_of_another_kind, _too_large_a_step(60.0),
    ),
    Cause.NON_CONVERGENCE: (
        _few_steps_of_boosting, _few_steps_of_histograms, _solver_cut_short, _short_steps, _sluggish_network,
    ),
    Cause.IMBALANCE: (
        _rare(0.02, logistic, 1.0), _rare(0.01, boosting, 1.0), _rare(0.03, stepwise, 0.8), _rare(0.98, logistic, 1.0),
        _rare(0.015, logistic, 0.7), _rare(0.02, boosting, 0.8),
    ),
    Cause.LEAKAGE: (
        _with_column(_measured_after, boosting), _with_column(_noisy_copy, logistic),
        _with_column(_noisy_copy, stepwise), _with_column(_mean_of_the_outcome, boosting), _rows_twice,
        _with_column(_measured_after, logistic),
    ),
    Cause.DRIFT: (
        _later(_other_unit, logistic), _later(_turned_round, boosting), _later(_gone, stepwise),
        _later(_other_share, logistic), _later(_moved_on, boosting), _later(_shifted, logistic),
    ),
}  # fmt: skip


def planted(cause: Cause, variant: int, seed: int) -> TrainingFigures:
    """The figures of a training with a planted problem."""
    return watch(PLANTED[cause][variant](seed), seed)
