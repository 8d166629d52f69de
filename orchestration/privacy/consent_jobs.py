"""Consent in Dagster: how it stands, as an asset with pictures. Obeying it is the privacy transform's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.assets.collection import CONSENT
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from privacy.overview import Overview

OVERVIEW = dg.AssetKey(["consent", "overview"])


@dg.asset(
    key=OVERVIEW, deps=[CONSENT], group_name="privacy", owners=["team:privacy"], kinds={"postgres"},
    description="How many people agree to which purpose, by which method, and how that moved. Counts only.",
)  # fmt: skip
def consent_overview(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Count the ledger."""
    from privacy.overview import consent_overview as count

    with platform.open().database.connect("privacy") as conn:
        return dg.MaterializeResult(metadata=overview_metadata(count(conn)))


def overview_metadata(overview: Overview) -> dict[str, Any]:
    """Counts, a table of purposes, and bars of grants and withdrawals per day."""
    rows = [f"| {purpose} | {yes:,} | {no:,} |" for purpose, (yes, no) in overview.standing.items()]
    return {
        "people": overview.n_people,
        "standing": dg.MetadataValue.md(
            "\n".join(["| purpose | agree | withdrew or refused |", "|---|---|---|", *rows])
        ),
        **{f"agree/{purpose}": yes for purpose, (yes, _) in overview.standing.items()},
        **{f"decisions/{method}": n for method, n in overview.methods.items()},
        "grants": plots.series([(day, yes) for day, yes, _ in overview.per_day], "grants per day"),
        "withdrawals": plots.series([(day, no) for day, _, no in overview.per_day], "withdrawals per day"),
    }


consent_overview_job = dg.define_asset_job(
    "consent_overview_job", selection=dg.AssetSelection.assets(OVERVIEW), description="Count how consent stands."
)
ASSETS = [consent_overview]
JOBS = [consent_overview_job]
SENSORS: list[dg.SensorDefinition] = []  # a withdrawal's days are dirty: sensors.dirty_days starts the run
