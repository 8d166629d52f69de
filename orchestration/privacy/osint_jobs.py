"""Findings from public sources in Dagster: a file is brought, and every line of it counted. Nothing is fetched."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from privacy.osint.importing import Counts


class FindingsWish(dg.Config):
    """What to bring, with the names of the options of `lethe privacy osint import`."""

    file: str
    source: str
    by: str


@dg.op(name="osint_import", out=dg.Out(int), tags={"team": "privacy"})
def osint_import(context: dg.OpExecutionContext, config: FindingsWish, platform: PlatformResource) -> int:
    """Take the findings of a file in; fails with its reason and stores nothing where a line is none."""
    from orchestration.privacy.services.osint import OsintService
    from privacy.osint.errors import OsintInputError

    try:
        counts = OsintService(platform.open()).take_in(Path(config.file), config.source, by=config.by)
    except OsintInputError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.add_output_metadata(metadata_of(counts))
    return counts.n_stored


def metadata_of(counts: "Counts") -> dict[str, Any]:
    """What became of the lines, as counts and as bars; nothing of a finding."""
    found = {
        "stored": counts.n_stored,
        "refreshed": counts.n_refreshed,
        "duplicates": counts.n_duplicates,
        **{f"refused/{reason}": n for reason, n in sorted(counts.refused.items())},
    }
    bars: dict[str, list[float]] = {name: [n] for name, n in found.items()}
    return {"read": counts.n_read, **found, "lines": plots.lying(bars, ["lines"], "what became of the lines")}


@dg.job(name="osint_import_job", description="Takes findings of a file in, of people who agreed; counts every line.")
def osint_import_job() -> None:
    """One op."""
    osint_import()


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [osint_import_job]
SENSORS: list[dg.SensorDefinition] = []  # what is due again, retention's daily run counts
