"""The churn model: training set, candidate, promotion, predictions and the last border. Learning is ml's."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import gates, training
from orchestration.assets.transformations import FEATURES, LABELS
from orchestration.assets.transformations import GATE as FEATURES_GATE
from orchestration.platform import PlatformResource
from quality.suites import PREDICTIONS_OUT

if TYPE_CHECKING:
    from ml.promotion import PromotionDecision

TRAINING_SET = dg.AssetKey(["ml", "training_set"])
CANDIDATE = dg.AssetKey(["ml", "churn_candidate"])
CHAMPION = dg.AssetKey(["ml", "churn_champion"])
PREDICTIONS = dg.AssetKey(["ml", "predictions"])
GATE = dg.AssetKey(["quality", PREDICTIONS_OUT])
PUBLISHED = dg.AssetKey(["ml", "published_predictions"])
OWNERS = ["team:ml"]
PROMOTION_GATES = (
    "beats_baseline", "beats_incumbent", "calibrated", "slice_floor", "plausible", "size", "loads", "latency",
    "not_rolled_back", "membership", "membership_tail", "embedded",
)  # fmt: skip


@dg.multi_asset(
    name="churn_model",
    can_subset=False,
    specs=[
        dg.AssetSpec(
            TRAINING_SET, deps=[FEATURES_GATE, FEATURES, LABELS], group_name="ml", owners=OWNERS, kinds={"postgres"},
            description="An immutable manifest of the rows to learn from, with blinded subjects.",
        ),
        dg.AssetSpec(
            CANDIDATE, deps=[TRAINING_SET], group_name="ml", owners=OWNERS, kinds={"scikitlearn", "mlflow"},
            description="The best rung of the ladder, trained and measured on later cutoffs.",
        ),
        dg.AssetSpec(
            CHAMPION, deps=[CANDIDATE], group_name="ml", owners=OWNERS, kinds={"mlflow"},
            description="The version behind the alias `champion`; it moves only through the promotion gates.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(name, asset=CANDIDATE, description="A promotion gate; see ml.gates.")
        for name in PROMOTION_GATES
    ],
)  # fmt: skip
def churn_model(platform: PlatformResource) -> Iterator[Any]:
    """Build the training set, climb the ladder, and let the gates decide."""
    opened = platform.open()
    with opened.journal() as journal:
        training_set = training.training_set(opened)
        yield dg.MaterializeResult(TRAINING_SET, metadata=training.training_set_metadata(training_set))
        candidate, decision = training.candidate_and_decision(opened, training_set, journal)
        yield dg.MaterializeResult(CANDIDATE, metadata=training.candidate_metadata(opened, candidate))
        severity = dg.AssetCheckSeverity.ERROR if decision.incumbent is None else dg.AssetCheckSeverity.WARN
        yield from promotion_checks(decision, CANDIDATE, PROMOTION_GATES, severity)
        if not decision.passed and decision.incumbent is None:
            raise dg.Failure(decision.explain(), allow_retries=False)
        settled = training.settle(opened, decision, journal)
        if settled["version"] is None:
            raise dg.Failure(settled["why"], allow_retries=False)
        yield dg.MaterializeResult(CHAMPION, metadata=settled)


@dg.asset(
    key=PREDICTIONS, deps=[CHAMPION, FEATURES], group_name="ml", owners=OWNERS, kinds={"postgres"},
    description="Churn probability of everybody at the newest cutoff, pending until its gate.",
)  # fmt: skip
def predictions(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Score the newest cutoff with the champion."""
    report = training.score(platform.open())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.n_rows,
            "cutoff": str(report.cutoff_on),
            "model_version": report.model_version,
            "median_probability": report.quantiles[2],
            "strongest_reasons": dg.MetadataValue.md(training.reasons_table(report)),
        }
    )


@dg.asset(
    key=GATE, deps=[PREDICTIONS], group_name="ml", owners=["team:quality"], kinds={"great_expectations"},
    check_specs=gates.check_specs(PREDICTIONS_OUT, GATE),
    description="The gate between predictions and those who use them. Refused: the old ones stay published.",
)  # fmt: skip
def predictions_out(context: dg.AssetExecutionContext, platform: PlatformResource) -> Iterator[object]:
    """Judge the pending predictions of the champion."""
    opened = platform.open()
    parameters = {"model_name": opened.registry.name, "model_version": opened.registry.champion()}
    yield from gates.report(gates.judge(opened, PREDICTIONS_OUT, run_key=context.run_id, parameters=parameters), GATE)


@dg.asset(
    key=PUBLISHED, deps=[GATE, PREDICTIONS], group_name="ml", owners=OWNERS, kinds={"postgres"},
    description="Predictions that passed their gate; what serving reads.",
)  # fmt: skip
def published_predictions(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Publish the champion's pending predictions."""
    return dg.MaterializeResult(metadata={"dagster/row_count": training.publish(platform.open())})


@dg.asset(
    key=["ml", "churn_monitoring"], deps=[PUBLISHED, CHAMPION, FEATURES, LABELS], group_name="ml", owners=OWNERS,
    kinds={"postgres"}, description="The champion as it stands: drift, performance, the next training and why.",
)  # fmt: skip
def monitoring_of_churn(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Observe the champion at the newest cutoff."""
    from orchestration import monitoring

    opened = platform.open()
    seen = monitoring.observe(opened)
    if seen is None:
        return dg.MaterializeResult(metadata={"why": "there is no champion to observe yet"})
    shown = monitoring.metadata(opened, seen, monitoring.judge(opened, seen, None))
    corrected = monitoring.corrected(opened, seen.champion.version)
    return dg.MaterializeResult(metadata={**shown, "corrected_by_late_labels": corrected})


def promotion_checks(
    decision: "PromotionDecision", asset: dg.AssetKey, names: Sequence[str], severity: dg.AssetCheckSeverity
) -> Iterator[dg.AssetCheckResult]:
    """A check per promotion gate. With an incumbent in place a refusal should warn: the incumbent goes on."""
    from ml.gates import sentence

    verdicts = {verdict.name: verdict for verdict in decision.verdicts}
    for name in names:
        verdict = verdicts.get(name)
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=name,
            passed=verdict.passed if verdict else decision.already_champion,
            severity=severity,
            description=sentence(verdict) if verdict else decision.explain(),
        )
