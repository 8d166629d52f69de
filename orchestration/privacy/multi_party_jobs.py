"""One party's part in a computation over organisations as a Dagster job. The protocol is privacy.multi_party's."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.privacy.multi_party import MOST_LINES, labelled
from orchestration.privacy.services.multi_party import Part, join

if TYPE_CHECKING:
    from privacy.multi_party.computation import Computation, Result


class PartWish(dg.Config):
    """What to take part in, with the names of the options of `lethe privacy multi-party join`."""

    computation: str
    party: str
    folder: str
    values: str
    patience: float = 600.0


@dg.op(name="multi_party_statistic", out=dg.Out(int), tags={"team": "privacy"})
def multi_party_statistic(context: dg.OpExecutionContext, config: PartWish) -> int:
    """Take part and show what all parties get; returns how many numbers that is."""
    computation, result = join(
        Part(Path(config.computation), config.party, Path(config.folder), Path(config.values), config.patience)
    )
    context.add_output_metadata(metadata_of(computation, result))
    return len(result.values)


def metadata_of(computation: "Computation", result: "Result") -> dict[str, Any]:
    """The result that every party has, and who took part. Nothing of this party's own."""
    found = labelled(computation, result)
    rows = [f"| {label} | {value:,g} |" for label, value in found[:MOST_LINES]]
    shown: dict[str, Any] = {
        "result": dg.MetadataValue.md("\n".join([f"| {computation.statistic} | value |", "|---|---|", *rows]))
    }
    if computation.statistic == "histogram":
        shown["bins"] = plots.series([(label, int(value)) for label, value in found], "values by bin")
    return {
        **shown,
        "computation": computation.name,
        "parties": ", ".join(computation.names),
        "numbers": len(result.values),
        "behind_it": result.n,
    }


@dg.job(
    name="multi_party_job",
    description="Take part in a sum, mean or histogram over organisations; nobody sees another's values.",
)
def multi_party_job() -> None:
    """One op: either all parties have the result, or none has a part of it."""
    multi_party_statistic()


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [multi_party_job]
SENSORS: list[dg.SensorDefinition] = []
