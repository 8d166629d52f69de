"""Which ids are one person, in Dagster: merges of a file, how merges stand, and what waits for a steward. Counts only.

A run's configuration is kept, so it names the file that holds the ids, never an id.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from privacy.identity_overview import IdentityOverview


class MergesWish(dg.Config):
    """file: JSON Lines with alias and user; by, reason: who decides the merges, and why. Both are kept."""

    file: str
    by: str
    reason: str


@dg.op(name="identities_merge", out=dg.Out(int), tags={"team": "privacy"})
def identities_merge(context: dg.OpExecutionContext, config: MergesWish, platform: PlatformResource) -> int:
    """Merge what the file names, all or none; fails with its reason and changes nothing where a line is at fault."""
    from orchestration.privacy.services.identities import IdentityService
    from privacy.errors import IdentityInputError
    from privacy.identity_overview import identity_overview

    opened = platform.open()
    try:
        done = IdentityService(opened).merge_file(Path(config.file), by=config.by, reason=config.reason)
    except IdentityInputError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    with opened.database.connect("privacy") as conn:
        stands = metadata_of(identity_overview(conn))
    context.add_output_metadata({"merged": done.n_merged, "days_to_transform_again": done.n_days, **stands})
    return done.n_merged


@dg.op(name="identities_review", out=dg.Out(int), tags={"team": "privacy"})
def identities_review(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Count merges and conflicts; conflicts are a warning in the run's log."""
    from privacy.identity_overview import identity_overview

    with platform.open().database.connect("privacy") as conn:
        found = identity_overview(conn)
    if found.n_waiting:
        context.log.warning(f"{found.n_waiting} wait for a steward; `lethe privacy identities conflicts` lists them")
    context.add_output_metadata(metadata_of(found))
    return found.n_waiting


def metadata_of(found: "IdentityOverview") -> dict[str, Any]:
    """People of several ids, merges by source, and bars of merges per day."""
    rows = [f"| {source} | {n:,} |" for source, n in found.per_source.items()]
    return {
        "people_of_several_ids": found.n_people,
        "waiting": found.n_waiting,
        "merges": dg.MetadataValue.md("\n".join(["| source | merges |", "|---|---|", *rows])),
        "merges_per_day": plots.series(found.per_day, "merges per day"),
    }


@dg.job(name="identities_review_job", description="Counts ids that are one person, and what waits for a steward.")
def identities_review_job() -> None:
    """One op."""
    identities_review()


@dg.job(name="identities_merge_job", description="Makes the ids of each line of a file one person, all or none.")
def identities_merge_job() -> None:
    """One op."""
    identities_merge()


@dg.sensor(
    job_name="identities_review_job",  # by name: Dagster remakes a sensor that holds a job of ops, and warns of itself
    minimum_interval_seconds=300,
    description="Says that stated aliases would join people who are known apart, once for each state of the list.",
)
def identity_conflicts(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """One run for a list of conflicts that has not been seen."""
    from privacy.identity_overview import identity_overview

    with platform.open().database.connect("privacy") as conn:
        found = identity_overview(conn)
    if found.newest_at is None:
        return dg.SkipReason("nothing waits for a steward")
    key = f"identities-{found.n_waiting}-{found.newest_at:%Y%m%dT%H%M%S%f}"
    return dg.RunRequest(run_key=key, tags={"lethe/cause": f"{found.n_waiting} stated aliases wait for a steward"})


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [identities_merge_job, identities_review_job]
SENSORS = [identity_conflicts]
