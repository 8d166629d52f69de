"""A table of one's own in Dagster: checked, or a copy in which nobody stands alone. What that means: privacy.anonymity.

Files only, as the commands; the platform's shared tables are protected in the transform and by dbt tests.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots

if TYPE_CHECKING:
    import pyarrow as pa

    from privacy.anonymity.judgement import Judgement, Protection


class TableWish(dg.Config):
    """Which table, and what is asked of it, with the names of the options of `lethe privacy anonymity check`."""

    file: str
    quasi: list[str]
    k: int = 5
    sensitive: str | None = None
    l: int | None = None  # noqa: E741 - its name in the literature
    t: float | None = None


class CheckWish(TableWish):
    """subject: whose a row is, where a person has several."""

    subject: str | None = None


class CopyWish(TableWish):
    """to: the copy, a new file; keep: other columns to write as they are."""

    to: str
    keep: list[str] = []  # noqa: RUF012 - a field of Dagster's configuration, copied for every run


@dg.op(name="anonymity_check", out=dg.Out(int), tags={"team": "privacy"})
def anonymity_check(context: dg.OpExecutionContext, config: CheckWish) -> int:
    """Measure a table; fails where it protects less than is asked for, with the figures."""
    from orchestration.privacy.services.anonymity import read
    from privacy.anonymity.judgement import judge

    table, asked = read(Path(config.file)), asked_of(config, subject=config.subject)
    judged = judge(table, asked)
    metadata = metadata_of(judged) | {"class_sizes": sizes_of(table, asked)}
    if judged.failures:
        said = f"{'; '.join(judged.failures)}: this table must not be released"
        raise dg.Failure(said, metadata=metadata, allow_retries=False)
    context.add_output_metadata(metadata)
    return judged.found.smallest or 0


@dg.op(name="anonymise", out=dg.Out(int), tags={"team": "privacy"})
def anonymise(context: dg.OpExecutionContext, config: CopyWish) -> int:
    """Write the copy; fails and writes nothing where the rows allow no class that is asked for."""
    from orchestration.privacy.services.anonymity import anonymise as write_copy

    asked = asked_of(config)
    copy = write_copy(Path(config.file), asked, config.keep, Path(config.to))
    n_rows: int = copy.table.num_rows
    context.add_output_metadata({
        "rows": n_rows,
        "detail_lost": copy.loss,
        "columns_left_out": len(copy.left_out),
        "class_sizes": sizes_of(copy.table, asked),
    })  # fmt: skip
    return n_rows


def asked_of(config: TableWish, subject: str | None = None) -> "Protection":
    """What the configuration asks of a table."""
    from privacy.anonymity.judgement import Protection

    return Protection(config.quasi, config.k, config.sensitive, config.l, config.t, subject)


def metadata_of(judged: "Judgement") -> dict[str, Any]:
    """Counts and figures; no value of the table."""
    found = judged.found
    figures = {"l": judged.diversity, "t": judged.closeness}
    return {
        "k": found.smallest or 0,
        "classes": found.n_classes,
        "rows": found.n_rows,
        "rows_at_risk": found.n_rows_at_risk,
        **{name: figure for name, figure in figures.items() if figure is not None},
    }


def sizes_of(table: "pa.Table", asked: "Protection") -> dg.MetadataValue:
    """Bars: how many classes there are of each size."""
    from privacy.anonymity.judgement import class_sizes

    return plots.series(class_sizes(table, asked), "classes by size")


@dg.job(
    name="anonymity_check_job",
    description="Whether every class of a table in a file holds k people, l values and stays within t.",
)
def anonymity_check_job() -> None:
    """One op; it reads."""
    anonymity_check()


@dg.job(name="anonymise_job", description="Writes a copy of a table in a file in which nobody stands alone (Mondrian).")
def anonymise_job() -> None:
    """One op; the copy is a new file."""
    anonymise()


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [anonymity_check_job, anonymise_job]
SENSORS: list[dg.SensorDefinition] = []
