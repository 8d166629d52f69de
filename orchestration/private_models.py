"""`lethe models private`: a linear model whose weights are a differentially private release, paid from a budget."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE, USAGE, complain
from orchestration.privacy.commands import AddCommand
from warehouse.settings import Settings

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ml.intervals import Figure
    from ml.training_sets import TrainingSet
    from orchestration.platform import Platform
    from privacy.budget.archive import Release
    from privacy.budget.ledger import Budget

DATASET, PURPOSE, FEATURES = "ml.training_sets", "model_training", "user_activity"
UNIT = "one person: all rows of theirs in the training set"


@dataclass(frozen=True, slots=True)
class Trained:
    """A private model, what it cost, and how far it falls short of one without noise on the same later rows."""

    pipeline: Pipeline
    release: Release
    rho: Decimal
    auc: Figure
    loss: Figure


def add(actions: Any, command: AddCommand) -> None:
    """Add `models private`."""
    parser = command(actions, "private", "a linear model with differential privacy for everybody it learns from")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder to write, new or empty")
    parser.add_argument("--period", required=True, help=f"the period whose budget of {DATASET} pays, like 2026-Q4")
    parser.add_argument("--parts", type=int, default=1, help="cost: one of so many equal parts of that budget")
    parser.set_defaults(run=private)


def private(settings: Settings, options: argparse.Namespace) -> int:
    """Train, pay, compare, and write what may leave: the model, the scorers and what was promised."""
    from ml.embedded.document import document_of, encode
    from orchestration import models, training
    from orchestration.handlers import say
    from orchestration.platform import Platform

    if models.is_taken(options.to):
        return complain(f"{options.to} is not empty; name another folder", USAGE)
    platform = Platform.open(settings)
    budget = budget_of(platform, options.period)
    built = training.training_set(platform)
    trained = train(platform, built, budget, options.parts)
    models.write(options.to, encode(document_of(trained.pipeline, model=f"{platform.registry.name}-private")))
    promise = promised(trained, budget)
    (options.to / "privacy.json").write_text(json.dumps(promise, indent=2) + "\n", encoding="utf-8")
    say(
        f"{options.to}: epsilon {promise['epsilon']:.3g} at delta {budget.delta:g} (rho {trained.rho:.6g}, spend "
        f"{trained.release.spend_id}); AUC {trained.auc}, {trained.loss} beside logistic regression without noise"
    )
    say("both figures are of this home's later rows and are not covered by the promise: keep them here")
    return DONE


def budget_of(platform: Platform, period: str) -> Budget:
    """The budget that pays for private models. Raises UnknownBudgetError."""
    from privacy.budget import ledger

    with platform.database.connect("privacy") as conn:
        return ledger.budget_of(conn, ledger.Account(DATASET, PURPOSE, period))


def train(platform: Platform, built: TrainingSet, budget: Budget, parts: int) -> Trained:
    """Train with noise that the budget pays for; the same training set again gives the same weights at no cost."""
    from ml import churn
    from ml.evaluation import auc_difference, evaluate
    from ml.feature_sets import find_feature_set
    from ml.measurement import later_rows, learning_rows
    from ml.private_training import Recipe, private_pipeline, private_weights, sensitivity, usable
    from orchestration import dbt
    from privacy.budget.draws import Plan, release_computed

    recipe, rho = Recipe(), budget.share(parts)
    features = [f for f in find_feature_set(dbt.PROJECT_DIR, FEATURES).features if f.name in built.columns]
    largest = usable(features)
    table, labels, people, _ = learning_rows(built)
    what = f"weights of {platform.registry.name} from {built.training_set_id}"
    plan = Plan(budget.account, what, rho, recipe.n_draws, sensitivity(len(largest)))
    with platform.database.connect("privacy") as conn:
        release = release_computed(
            conn,
            plan,
            lambda noise: private_weights(table, labels, people, largest=largest, noise=noise, recipe=recipe),
            digest=digest_of([built.digest, asdict(recipe), largest, str(rho), str(budget.account)]),
            now=platform.settings.now(),
        )
    pipeline, later = private_pipeline(release.values, largest), later_rows(built)
    scores = churn.probabilities(pipeline, later.features)
    plain = churn.probabilities(churn.fit("logistic regression", table, labels), later.features)
    auc = evaluate(later.outcomes, scores, threshold=0.5, n_resamples=200).figures["auc_roc"]
    return Trained(pipeline, release, rho, auc, auc_difference(later.outcomes, scores, plain, n_resamples=200))


def promised(trained: Trained, budget: Budget) -> dict[str, Any]:
    """What goes with the model: the promise, whom it is made to, and how the noise was drawn."""
    from privacy.budget.accounting import epsilon_of

    return {
        "epsilon": epsilon_of(trained.rho, budget.delta),
        "delta": budget.delta,
        "rho": str(trained.rho),
        "unit": UNIT,
        "account": str(budget.account),
        "spend": trained.release.spend_id,
        "released_at": trained.release.released_at.isoformat(),
        **{name: trained.release.facts[name] for name in ("what", "mechanism", "scale", "n_draws", "length")},
    }


def digest_of(parts: list[Any]) -> bytes:
    """What the release is known by: another set, recipe, column or cost is another release."""
    return hashlib.sha256(json.dumps(["private weights", *parts], sort_keys=True).encode()).digest()
