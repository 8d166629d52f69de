"""Fields that nobody ruled on, in Dagster: how many wait for a steward, and word of new ones. A ruling is a command's.

No path leaves it: the keys of an event may be somebody's words. `lethe classify` shows them.
"""

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privacy.classification_items import ClassificationItem


@dg.op(name="classification_review", out=dg.Out(int), tags={"team": "privacy"})
def classification_review(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Count what waits and what was ruled; what waits is a warning in the run's log."""
    from orchestration.privacy.services.classification import ClassificationService

    items = ClassificationService(platform.open()).items()
    n_open = sum(item.state == "open" for item in items)
    if n_open:
        context.log.warning(f"{n_open} paths have no rule and are left out; `lethe classify` lists them with proposals")
    context.add_output_metadata(metadata_of(items))
    return n_open


def metadata_of(items: "Sequence[ClassificationItem]") -> dict[str, Any]:
    """Paths by state, those that wait by event type and proposal, and bars of the days when they were first seen."""
    waiting = [item for item in items if item.state == "open"]
    proposed = Counter((item.event_type, item.proposed_class) for item in waiting)
    rows = [f"| {event_type} | {klass} | {n:,} |" for (event_type, klass), n in sorted(proposed.items())]
    days = sorted(Counter(item.first_seen_on for item in items).items())
    return {
        **{state: sum(item.state == state for item in items) for state in ("open", "confirmed", "rejected")},
        "waiting": dg.MetadataValue.md("\n".join(["| event type | proposed | paths |", "|---|---|---|", *rows])),
        "first_seen_per_day": plots.series(days, "paths first seen per day"),
    }


@dg.job(name="classification_review_job", description="Counts fields that nobody ruled on, and those that are ruled.")
def classification_review_job() -> None:
    """One op."""
    classification_review()


@dg.sensor(
    job_name="classification_review_job",  # by name: Dagster remakes a sensor that holds a job of ops, and warns
    minimum_interval_seconds=300,
    description="Says that fields wait for a steward, once for every state of the list.",
)
def unruled_paths(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """One run for a list of open items that has not been seen."""
    from orchestration.privacy.services.classification import ClassificationService

    found = ClassificationService(platform.open()).items("open")
    if not found:
        return dg.SkipReason("every path has a rule")
    places = sorted((item.event_type, item.path) for item in found)
    digest = hashlib.sha256(repr(places).encode()).hexdigest()[:16]
    cause = f"{len(found)} paths wait for a steward"
    return dg.RunRequest(run_key=f"classification-{digest}", tags={"lethe/cause": cause})


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [classification_review_job]
SENSORS = [unruled_paths]
