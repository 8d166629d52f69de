"""`lethe federated train`: a churn model over companies that keep their rows. Wiring only; docs/federated.md."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from warehouse.settings import Settings

if TYPE_CHECKING:
    from ml.federated.federation import Federation
    from ml.federated.model import LinearModel
    from ml.federated.protection import Noise, Protection
    from ml.federated.training import Plan
    from ml.training_sets import TrainingSet
    from orchestration.platform import Platform

DATASET = "features.ftr_user_weekly"


def add(commands: Any, command: AddCommand) -> None:
    """Add the actions."""
    federated = commands.add_parser("federated", help="train over companies that keep their rows")
    actions = federated.add_subparsers(required=True, metavar="ACTION")
    train = command(actions, "train", "train the linear churn model over companies, with secure aggregation")
    train.add_argument("--method", choices=("update", "gradient"), default="update", help="what silos average (FedAvg)")
    train.add_argument("--rounds", type=int, default=30, help="rounds of training (default: 30)")
    train.add_argument("--steps", type=int, default=5, help="local steps of an update (default: 5)")
    train.add_argument("--threshold", type=int, help="silos that must answer a round (default: over two thirds)")
    train.add_argument("--to", type=Path, help="write the model here (skops format)")
    _add_protection(train)
    train.set_defaults(run=run)
    key = command(actions, "key", "make a silo's static key; prints the public part for the agreement")
    key.add_argument("--to", type=Path, required=True, help="the file to write; it stays with the silo")
    key.set_defaults(run=make_key)
    serve = command(actions, "serve", "run the rounds of an agreement as its server; needs no data and no home")
    join = command(actions, "join", "take part in an agreement as a silo, with the rows of this home")
    for action, handler in ((serve, serving), (join, joining)):
        action.add_argument("agreement", type=Path, metavar="AGREEMENT", help="what all agreed on (YAML)")
        action.add_argument("--folder", type=Path, required=True, help="where the certificates are")
        action.add_argument("--patience", type=float, default=60.0, help="seconds to wait for others (default: 60)")
        action.add_argument("--to", type=Path, help="write the model here (skops format)")
        action.set_defaults(run=handler)
    join.add_argument("--silo", required=True, help="this silo's name")
    join.add_argument("--key", type=Path, required=True, help="the file of its static key")


def _add_protection(train: argparse.ArgumentParser) -> None:
    train.add_argument("--unit", choices=("person", "silo"), help="whom noise hides; without it there is no noise")
    train.add_argument("--clip", type=float, default=1.0, help="the longest vector of a unit in a round (default: 1)")
    train.add_argument("--purpose", default="federated_training", help="of the privacy budget that pays for the noise")
    train.add_argument("--period", help="of that budget, like 2026-Q4")
    train.add_argument("--parts", type=int, default=1, help="cost: one of so many equal parts of that budget")


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Train, compare, print, and write the model where that was asked for."""
    from orchestration.handlers import say
    from orchestration.platform import Platform

    found = federation(Platform.open(settings, say), options)
    for line in words(found):
        say(line)
    _write(found.model, options.to)
    return DONE


def make_key(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001 (all commands have this signature)
    """Make a silo's key."""
    from ml.federated.agreement import make_key as make
    from orchestration.handlers import say

    say(f"key for the agreement: {make(options.to, secrets.token_bytes)}; {options.to} stays here")
    return DONE


def serving(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    """Run the rounds with silos that come over the network."""
    from ml.federated.agreement import Agreement
    from ml.federated.training import train
    from orchestration.federated_network import gathered, tell
    from orchestration.handlers import say
    from privacy.multi_party.certificates import Credentials

    agreement = Agreement.load(options.agreement)
    plan = agreement.plan()
    with gathered(
        agreement, Credentials(options.folder, agreement.server), plan.threshold or 0, options.patience
    ) as silos:  # fmt: skip
        found = train(silos, plan, secrets.token_bytes(16))
        n_told = tell(silos, found.model)
    n_gone = sum(len(gone) for gone in found.gone)
    say(f"{len(silos)} silos, {found.n:,.0f} rows, {n_gone} answers were missing; {n_told} silos have the model")
    _write(found.model, options.to)
    return DONE


def joining(settings: Settings, options: argparse.Namespace) -> int:
    """Answer a server's rounds with the rows of this home."""
    from ml.federated.agreement import Agreement, read_key
    from ml.federated.federation import one_silo
    from ml.federated.member import Member
    from ml.federated.silos import computing
    from orchestration import training
    from orchestration.federated_network import taken_part
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.multi_party.certificates import Credentials

    agreement, key = Agreement.load(options.agreement), read_key(options.key)
    built = training.training_set(Platform.open(settings, say))
    computes = computing(one_silo(built, agreement.columns), len(agreement.silos))
    silo = Member(agreement.number_of(options.silo), key, agreement.roster(), computes, secrets.token_bytes)
    model = taken_part(agreement, Credentials(options.folder, options.silo), silo, options.patience)
    say(f"{agreement.name}: the model of all silos has AUC {judged(built, model):.4f} on this home's later rows")
    _write(model, options.to)
    return DONE


def judged(built: TrainingSet, model: LinearModel) -> float:
    """AUC on the later rows of a home."""
    from ml.federated.comparison import plain_auc
    from ml.measurement import later_rows

    later = later_rows(built)
    return plain_auc(later, model.probabilities(later.features[list(model.columns)].to_numpy("float64")))


def _write(model: LinearModel, path: Path | None) -> None:
    from orchestration.handlers import say

    if path is not None:
        import skops.io

        skops.io.dump(model.pipeline(), path)
        say(f"written to {path}")


def federation(platform: Platform, wish: Any) -> Federation:
    """Train as the options of the command (or a job's configuration with the same names) wish."""
    from ml.federated.federation import federate
    from orchestration import training

    built = training.training_set(platform)
    plan = plan_of(built, wish)
    paid = pay(platform, built, plan, wish) if plan.protection else None
    with platform.journal() as journal:
        found = federate(
            built, plan, journal, entropy=secrets.token_bytes, noise=paid.noise if paid else None,
            progress=platform.echo,
        )  # fmt: skip
    if paid:
        record(platform, paid, found)
    return found


def plan_of(built: TrainingSet, wish: Any) -> Plan:
    """What the silos agree on. Raises FederatedInputError."""
    from ml.federated.protection import Protection
    from ml.federated.training import Plan

    protection = Protection(wish.unit, wish.clip) if wish.unit else None
    return Plan(
        built.columns, wish.method, wish.rounds, wish.steps, threshold=wish.threshold, protection=protection
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paid:
    """Noise whose cost is in the ledger: one silo's part of it, and the spend."""

    noise: Noise
    spend_id: int
    digest: bytes
    facts: dict[str, object]


def pay(platform: Platform, built: TrainingSet, plan: Plan, wish: Any) -> Paid:
    """Commit the cost of a training to the ledger; only then can noise be drawn. Every training pays anew.

    Raises FederatedInputError without a period, UnknownBudgetError or BudgetExceededError.
    """
    from ml.federated.errors import FederatedInputError
    from ml.federated.federation import silos_of
    from ml.federated.messages import usual_threshold
    from privacy.budget import ledger

    protection = plan.protection
    if protection is None or not wish.period:
        raise FederatedInputError("noise is paid from a budget: name its --period, and grant it first")
    threshold = plan.threshold or usual_threshold(len(silos_of(built)))
    account = ledger.Account(DATASET, wish.purpose, wish.period)
    digest = secrets.token_bytes(32)
    with platform.database.connect("privacy") as conn:
        rho = ledger.budget_of(conn, account).share(wish.parts)
        what = f"federated churn model, {plan.rounds} rounds, unit {protection.unit}, {built.training_set_id}"
        spend_id = ledger.reserve(
            conn, account, ledger.Cost(rho), digest=digest, what=what, now=platform.settings.now()
        )  # fmt: skip
    facts: dict[str, object] = {
        "mechanism": "gaussian", "rho": str(rho), "unit": protection.unit, "clip": protection.clip,
        "rounds": plan.rounds, "threshold": threshold,
    }  # fmt: skip
    return Paid(drawing(plan, protection, threshold, rho), spend_id, digest, facts)


def drawing(plan: Plan, protection: Protection, threshold: int, rho: Decimal) -> Noise:
    """One silo's part of the noise: that of `threshold` silos together costs rho over the whole training.

    Sums of discrete Gaussians this wide are as good as one (Kairouz, Liu and Steinke 2021, arXiv 2102.06387, theorem 5:
    the difference is below e^-1000 for deviations of thousands of steps).
    """
    from ml.federated.local import STATISTICS
    from ml.federated.protection import STATISTICS_SHARE
    from privacy.budget.accounting import exact
    from privacy.budget.mechanisms import GAUSSIAN, Sensitivity, additive

    on_statistics = exact(rho * Decimal(str(STATISTICS_SHARE)), "rho of the statistics")
    on_round = exact((rho - on_statistics) / plan.rounds, "rho of a round")
    mechanisms = {
        kind: additive(GAUSSIAN, Sensitivity(1, protection.sensitivity(kind)), cost * threshold)
        for kind, cost in ((STATISTICS, on_statistics), (plan.method, on_round))
    }
    return lambda kind, n: mechanisms[kind].draw([0] * n)


def record(platform: Platform, paid: Paid, found: Federation) -> None:
    """Keep what was released for the spend: the weights, in millionths."""
    from privacy.budget import archive

    names = (*found.model.columns, "intercept")
    values = {name: round(weight * 1e6) for name, weight in zip(names, found.model.weights.tolist(), strict=True)}
    release = archive.Release(paid.spend_id, values, paid.facts, platform.settings.now())
    with platform.database.connect("privacy") as conn:
        archive.record(conn, release, paid.digest)


def words(found: Federation) -> list[str]:
    """What a person reads after a training."""
    c = found.comparison
    return [
        f"{found.n_silos} companies with {found.n_rows:,} rows trained together; {found.n_left_out:,} rows of smaller "
        f"companies took no part; {found.n_gone} answers were missing, {found.threshold} silos must answer",
        f"AUC {c.federated}  federated: nobody saw anybody's rows",
        f"AUC {c.central}  central: all rows in one place",
        f"    {c.loss}  federated minus central",
        f"AUC {c.central_same_rows:.4f}                   central, of the same companies' rows only",
        f"AUC {c.local_only:.4f}                   local only: the mean of each company's own model",
        f"AUC {c.own_rows:.4f} against {c.own_rows_local:.4f}    within a company's own rows, federated against local",
    ]
