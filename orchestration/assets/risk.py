"""Risk of fraud and automation of everybody at the newest cutoff. The score is ml's; what to do is a person's."""

from typing import Any

import dagster as dg

from orchestration import plots
from orchestration.assets.transformations import GATE
from orchestration.platform import PlatformResource

FRAUD = dg.AssetKey(["features", "ftr_user_fraud_weekly"])
BANDS = 50


@dg.asset(
    key=["ml", "risk_scores"], deps=[GATE, FRAUD], group_name="ml", owners=["team:ml"], kinds={"postgres"},
    description="Risk of fraud and automation of everybody at the newest cutoff, with reasons; no verdict.",
)  # fmt: skip
def risk_scores(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Score the signs as they are and store what is found."""
    from ml.families.risk import NoSignsError
    from ml.risk_scores import rescore

    opened = platform.open()
    with opened.database.connect("ml") as conn:
        try:
            scored = rescore(conn, scored_at=opened.settings.now())
        except NoSignsError as reason:
            return dg.MaterializeResult(metadata={"dagster/row_count": 0, "not_scored": str(reason)})
    bands = [(f"{at / BANDS:.2f}", int(((scored.risk * BANDS).astype(int) == at).sum())) for at in range(BANDS)]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(scored.subjects),
            "cutoff": str(scored.cutoff_on),
            "flagged": scored.n_flagged,
            "first_reasons": scored.kinds(),
            "risk": plots.series(bands, "people by risk"),
        }
    )
