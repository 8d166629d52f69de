"""Wires the next-action model to a platform: provenance in, figures and links out. Learning and deciding are ml's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import gates, training
from orchestration.platform import Platform

if TYPE_CHECKING:
    from ml.journal import Journal
    from ml.next_action.measures import Report
    from ml.next_action.recommendations import Recommended
    from ml.next_action.sessions import StepSet
    from ml.next_action.training import Candidate
    from ml.promotion import PromotionDecision

MODEL = "next_action"


def training_set(platform: Platform) -> StepSet | str:
    """Build and store the set of sessions as they are now; why there is none where there are too few."""
    from ml.next_action.sessions import StepPolicy, build_step_set
    from ml.training_sets import TooLittleHistoryError

    with platform.database.connect("ml") as conn:
        try:
            return build_step_set(conn, StepPolicy(), training.provenance(platform))
        except TooLittleHistoryError as reason:
            return str(reason)


def candidate_and_decision(
    platform: Platform, built: StepSet, journal: Journal
) -> tuple[Candidate, PromotionDecision] | str:
    """Train (or take again) the candidate and let the gates judge it; why not where no step is of enough people."""
    from ml.families.step_language import UnknownStepsError
    from ml.next_action.training import train_candidate
    from ml.promotion import decide_promotion

    registry = platform.registry_of(MODEL)
    try:
        candidate = train_candidate(built, registry, journal, platform.echo)
    except UnknownStepsError as reason:
        return str(reason)
    return candidate, decide_promotion(candidate, registry, training.promotion_policy(platform, MODEL), journal)


def recommend(platform: Platform) -> Recommended | str:
    """Store what the champion recommends to everybody of the newest weeks; why nothing is where nothing may be."""
    from ml.next_action.recommendations import refresh

    with platform.database.connect("ml") as conn:
        return refresh(
            conn, platform.registry_of(MODEL),
            at=platform.settings.now(), consent_basis=training.consent_snapshot(platform),
        )  # fmt: skip


def training_set_metadata(built: StepSet) -> dict[str, Any]:
    """Counts, days and digests of a set; no row."""
    manifest = built.manifest
    counts = manifest["n_rows"]
    return {
        "training_set": built.training_set_id,
        "dagster/row_count": counts["train"] + counts["test"],
        "sessions_to_learn_from": counts["train"],
        "sessions_to_test_on": counts["test"],
        "next_steps_asked": manifest["n_asked"],
        "subjects": manifest["n_subjects"],
        **{name: str(day) for name, day in manifest["cutoffs"].items()},
        "dataset_digest": manifest["dataset_digest"],
        "consent_snapshot": manifest["consent_snapshot"],
    }


def candidate_metadata(platform: Platform, candidate: Candidate) -> dict[str, Any]:
    """The candidate's figures with intervals, its pictures, and where MLflow keeps the rest."""
    from ml.next_action import record

    report = candidate.fitted.report
    return {
        "model": candidate.name,
        "version": candidate.version,
        "rung": candidate.fitted.rung,
        "trained_now": not candidate.reused,
        "mlflow_run": platform.registry_of(MODEL).run_id(candidate.version),
        "mrr": report.measures["mrr"].model.value,
        "hr_1": report.measures["hr_1"].model.value,
        "figures": dg.MetadataValue.md(_figure_table(report)),
        "slices": dg.MetadataValue.md(_slice_table(report)),
        **{name: gates.picture(png) for name, png in record.pictures(candidate.fitted).items()},
    }


def _figure_table(report: Report) -> str:
    rows = [f"| {name} | {item.model} | {item.other} | {item.gain} |" for name, item in report.measures.items()]
    return "\n".join(
        [f"| figure | model, 95 % interval | {report.baseline} | difference |", "|---|---|---|---|", *rows]
    )


def _slice_table(report: Report) -> str:
    rows = [f"| {item.name} | {item.n_rows:,} | {item.figure} |" for item in report.slices]
    return "\n".join(["| part of the later steps | steps | MRR |", "|---|---:|---|", *rows])
