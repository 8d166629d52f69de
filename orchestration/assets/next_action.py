"""The next-action model: training set, candidate, promotion, recommendations. A log too small for it stops nothing."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration import next_action, training
from orchestration.assets.model import OWNERS, promotion_checks
from orchestration.assets.transformations import GATE as FEATURES_GATE
from orchestration.platform import PlatformResource

SEQUENCES = dg.AssetKey(["features", "ftr_user_sequences"])
TRAINING_SET = dg.AssetKey(["ml", "next_action_training_set"])
CANDIDATE = dg.AssetKey(["ml", "next_action_candidate"])
CHAMPION = dg.AssetKey(["ml", "next_action_champion"])
RECOMMENDATIONS = dg.AssetKey(["ml", "recommendations"])
PROMOTION_GATES = (
    "beats_baseline", "beats_incumbent", "calibrated", "slice_floor", "plausible", "size", "loads", "latency",
    "not_rolled_back", "membership", "membership_tail",
)  # fmt: skip


@dg.multi_asset(
    name="next_action_model",
    can_subset=False,
    specs=[
        dg.AssetSpec(
            TRAINING_SET, deps=[FEATURES_GATE, SEQUENCES], group_name="ml", owners=OWNERS, kinds={"postgres"},
            description="An immutable manifest of the sessions to learn next steps from, with blinded subjects.",
        ),
        dg.AssetSpec(
            CANDIDATE, deps=[TRAINING_SET], group_name="ml", owners=OWNERS, kinds={"scikitlearn", "mlflow"},
            description="A Markov chain or a mixture of step counts, measured on later sessions.",
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
def next_action_model(platform: PlatformResource) -> Iterator[Any]:
    """Build the set of sessions, train, and let the gates decide; what is not trained says why."""
    opened = platform.open()
    with opened.journal() as journal:
        built = next_action.training_set(opened)
        if isinstance(built, str):
            yield from _nothing([TRAINING_SET, CANDIDATE, CHAMPION], built)
            return
        yield dg.MaterializeResult(TRAINING_SET, metadata=next_action.training_set_metadata(built))
        found = next_action.candidate_and_decision(opened, built, journal)
        if isinstance(found, str):
            yield from _nothing([CANDIDATE, CHAMPION], found)
            return
        candidate, decision = found
        yield dg.MaterializeResult(CANDIDATE, metadata=next_action.candidate_metadata(opened, candidate))
        yield from promotion_checks(decision, CANDIDATE, PROMOTION_GATES, dg.AssetCheckSeverity.WARN)
        yield dg.MaterializeResult(CHAMPION, metadata=training.settle(opened, decision, journal))


@dg.asset(
    key=RECOMMENDATIONS, deps=[CHAMPION, SEQUENCES], group_name="ml", owners=OWNERS, kinds={"postgres"},
    description="The three likeliest next steps of everybody who was there in the newest four weeks, by the champion.",
)  # fmt: skip
def recommendations(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Ask the champion what comes after each person's newest session, and replace what is stored."""
    made = next_action.recommend(platform.open())
    if isinstance(made, str):
        return dg.MaterializeResult(metadata={"dagster/row_count": 0, "not_recommended": made})
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": made.n_rows,
            "people": made.n_people,
            "model_version": made.model_version,
            "cutoff": str(made.cutoff_on),
            "median_score_of_the_first": made.median_score,
            "most_often_first": dg.MetadataValue.md(made.table()),
        }
    )


def _nothing(assets: list[dg.AssetKey], why: str) -> Iterator[Any]:
    """Results that say why there is no model; its gates warn, since nothing passed them."""
    for asset in assets:
        yield dg.MaterializeResult(asset, metadata={"not_trained": why})
    for name in PROMOTION_GATES:
        yield dg.AssetCheckResult(
            asset_key=CANDIDATE, check_name=name, passed=False, severity=dg.AssetCheckSeverity.WARN,
            description=f"not judged, since nothing was trained: {why}",
        )  # fmt: skip
