"""Wires the model's steps to a platform: provenance in, figures and links out. Learning and deciding are ml's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import dbt, gates, intake
from orchestration.platform import Platform, code_version

if TYPE_CHECKING:
    from ml.four_eyes import FourEyes
    from ml.gates import PromotionPolicy
    from ml.intervals import Figure
    from ml.journal import Journal
    from ml.predictions import ScoredReport
    from ml.promotion import PromotionDecision
    from ml.training import Candidate
    from ml.training_sets import Provenance, TrainingSet


def training_set(platform: Platform) -> TrainingSet:
    """Build and store the training set of the features as they are now."""
    from ml.training_sets import TrainingPolicy, build_training_set

    policy = TrainingPolicy(**intake.training_policy(platform))
    with platform.database.connect("ml") as conn:
        return build_training_set(conn, policy, provenance(platform))


def provenance(platform: Platform) -> Provenance:
    """What made the feature rows, as the stages before know it."""
    from ml.training_sets import Provenance

    with platform.database.connect("privacy") as conn:
        days = conn.execute("select event_day from safe.event_days order by 1").fetchall()
    return Provenance(
        dbt_manifest_hash=dbt.project_digest(),
        consent_snapshot=consent_snapshot(platform),
        raw_partitions=tuple(str(day) for (day,) in days),
        code_version=code_version(),
        created_at=platform.settings.now(),
        blinding_key=platform.vault.purpose_key("training_subjects"),
    )


def consent_snapshot(platform: Platform) -> str:
    """The consent ledger as it stands: how many entries it has, and a checksum over them that no order changes."""
    with platform.database.connect("privacy") as conn:
        found = conn.execute(
            "select count(*), coalesce(bit_xor(hashtextextended(encode(fingerprint, 'hex'), 0)), 0)"
            " from consent.consent_events"
        ).fetchone()
    return ":".join(str(part) for part in found or ())


def candidate_and_decision(
    platform: Platform, built: TrainingSet, journal: Journal
) -> tuple[Candidate, PromotionDecision]:
    """Train (or take again) the candidate and let the promotion gates judge it."""
    from ml.promotion import decide_promotion
    from ml.training import train_candidate

    candidate = train_candidate(built, platform.registry, journal, platform.echo)
    return candidate, decide_promotion(candidate, platform.registry, promotion_policy(platform), journal)


def promotion_policy(platform: Platform, model: str = "churn") -> PromotionPolicy:
    """The policy of a model in this home: two people approve where LETHE_FOUR_EYES names it."""
    from ml.four_eyes import NAMED
    from ml.gates import POLICIES

    return replace(POLICIES[model], approvals=NAMED if model in platform.settings.four_eyes else 0)


def settle(platform: Platform, decision: PromotionDecision, journal: Journal) -> dict[str, Any]:
    """Move the alias when every gate passed and nobody has to approve; otherwise the incumbent stays.

    Returns what the champion asset shows; its version is None where there is no champion.
    """
    from ml.promotion import promote

    registry = platform.registry_of(decision.name)
    waits = bool(decision.approvals and decision.passed and not decision.already_champion)
    why = waiting(platform, decision, journal) if decision.approvals else decision.explain()
    moves = decision.passed and not waits
    version = promote(decision, registry, journal) if moves else decision.incumbent
    platform.echo(why)
    return {
        "version": version,
        "decision": "promoted" if moves and not decision.already_champion else "incumbent stays",
        "why": why,
        "mlflow_run": registry.run_id(version) if version else "",
    }


def waiting(platform: Platform, decision: PromotionDecision, journal: Journal) -> str:
    """Ask people to approve what passed its gates, or take the question back; returns why nothing moves yet."""
    from ml.approvals import RefusedPromotionError
    from ml.four_eyes import describe

    people = four_eyes(platform, journal, decision.name)
    if not decision.passed:
        people.withdraw(decision.version)
        return decision.explain()
    try:
        stands = people.ask(decision, platform.settings.now())
    except RefusedPromotionError as refused:
        return str(refused)
    return (
        f"version {decision.version} of {decision.name} passed its gates and waits, with {describe(stands)}: "
        f"`lethe models approve --model-version {decision.version} {_named(decision.name)}--by NAME --reason ...`"
    )


def four_eyes(platform: Platform, journal: Journal, model: str = "churn") -> FourEyes:
    """The approvals of a model of this home, sealed with a key of the vault."""
    from ml.four_eyes import FourEyes

    return FourEyes(platform.registry_of(model), journal, platform.vault.purpose_key("approval"))


def _named(model: str) -> str:
    return "" if model == "churn" else f"--model {model} "


def score(platform: Platform) -> ScoredReport:
    """Score the newest cutoff with the champion; the rows stay pending."""
    from ml.predictions import score_champion

    with platform.database.connect("ml") as conn:
        return score_champion(
            conn,
            platform.registry,
            predicted_at=platform.settings.now(),
            consent_basis=consent_snapshot(platform),
        )


def reasons_table(report: ScoredReport, most: int = 10) -> str:
    """Which columns decide for how many people, as a Markdown table."""
    rows = "\n".join(f"| `{code}` | {n:,} |" for code, n in report.first_reasons[:most])
    return f"| strongest reason (+ raises, - lowers) | people |\n|---|---:|\n{rows}"


def publish(platform: Platform) -> int:
    """Publish the champion's predictions of the newest cutoff; returns the rows.

    Raises OverdueModelError when the champion learnt from somebody who is gone and was to be replaced by now.
    """
    from ml.predictions import publish_newest
    from ml.taint import require_current

    if (version := platform.registry.champion()) is not None:
        require_current(platform.registry, version, platform.settings.now())
    with platform.database.connect("ml") as conn:
        return publish_newest(conn, platform.registry)


def training_set_metadata(built: TrainingSet) -> dict[str, Any]:
    """Counts and digests of a training set; no row."""
    counts = built.manifest["n_rows"]
    return {
        "training_set": built.training_set_id,
        "dagster/row_count": counts["train"] + counts["test"],
        "rows_to_learn_from": counts["train"],
        "rows_to_test_on": counts["test"],
        "subjects": built.manifest["n_subjects"],
        "features": len(built.columns),
        "dataset_digest": built.manifest["dataset_digest"],
        "consent_snapshot": built.manifest["consent_snapshot"],
    }


def candidate_metadata(platform: Platform, candidate: Candidate) -> dict[str, Any]:
    """The candidate's figures with intervals, its curves, and where MLflow keeps the rest."""
    from ml import plots

    figures = candidate.report.evaluation.figures
    return {
        "model": candidate.name,
        "version": candidate.version,
        "rung": candidate.ladder.chosen,
        "trained_now": not candidate.reused,
        "mlflow_run": platform.registry.run_id(candidate.version),
        "auc_roc": figures["auc_roc"].value,
        "figures": dg.MetadataValue.md(_figure_table(figures)),
        "roc_pr": gates.picture(plots.curves(candidate.rows.outcomes, candidate.scores)),
        "calibration": gates.picture(plots.calibration(candidate.rows.outcomes, candidate.scores)),
    }


def _figure_table(figures: dict[str, Figure] | Any) -> str:
    rows = [
        f"| {name} | {figure.value:.4f} | {figure.low:.4f} – {figure.high:.4f} |" for name, figure in figures.items()
    ]
    return "\n".join(["| figure | value | 95 % interval |", "|---|---|---|", *rows])
