"""A table in a file: how anonymous it is, and a copy in which nobody stands alone. Thin: privacy/anonymity does it.

No home is needed, so these are functions. The platform's own shared tables are protected in the transform and by dbt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from privacy.anonymity.judgement import Judgement, Protection


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy in which nobody stands alone; loss: the share of the detail that went (NCP, 0 to 1)."""

    table: pa.Table
    loss: float
    left_out: tuple[str, ...]


def check(file: Path, asked: Protection) -> Judgement:
    """What the table of a file protects, and what it lacks of what is asked for. Raises AnonymityInputError."""
    from privacy.anonymity.judgement import judge

    return judge(read(file), asked)


def anonymise(file: Path, asked: Protection, keep: Sequence[str], to: Path) -> Copy:
    """Write a copy to a new file: quasi-identifiers as intervals, the sensitive column, and what is to be kept.

    Raises AnonymityInputError, and IdentifiableRowsError where the rows allow no class; nothing is written then.
    """
    copy = copy_of(read(file), asked, keep)
    write(copy.table, to)
    return copy


def copy_of(table: pa.Table, asked: Protection, keep: Sequence[str]) -> Copy:
    """Quasi-identifiers as intervals, the sensitive column, and what is to be kept; nothing else.

    Raises AnonymityInputError for a column that is not there, IdentifiableRowsError where the rows allow no class.
    """
    from privacy.anonymity.errors import AnonymityInputError, IdentifiableRowsError
    from privacy.anonymity.intervals import anonymise as generalised
    from privacy.anonymity.measures import ncp

    wanted = [*asked.quasi, *([asked.sensitive] if asked.sensitive else []), *keep]
    if unknown := [name for name in wanted if name not in table.column_names]:
        raise AnonymityInputError(f"the table has no column {', '.join(unknown)}")
    made = generalised(table.select(wanted), asked.quasi, asked.k, constraints=asked.constraints(table))
    if made.n_suppressed:
        raise IdentifiableRowsError(f"{table.num_rows:,} rows allow no class that is asked for; nothing was written")
    left_out = tuple(name for name in table.column_names if name not in wanted)
    return Copy(made.table, ncp(made.partitioning), left_out)


def read(path: Path) -> pa.Table:
    """A table from a .parquet or .csv file. Raises AnonymityInputError; the parser's own words may quote values."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    from privacy.anonymity.errors import AnonymityInputError

    readers = {".parquet": pa.parquet.read_table, ".csv": pa.csv.read_csv}
    if path.suffix not in readers:
        raise AnonymityInputError(f"{path} is neither .parquet nor .csv")
    try:
        return readers[path.suffix](path)
    except (OSError, pa.ArrowException) as error:
        kind = type(error).__name__
    raise AnonymityInputError(f"{path} cannot be read as {path.suffix[1:]} ({kind})")


def write(table: pa.Table, path: Path) -> None:
    """As .parquet or .csv. Raises AnonymityInputError for another form, or a file that is there."""
    import pyarrow.csv
    import pyarrow.parquet

    from privacy.anonymity.errors import AnonymityInputError

    writers = {".parquet": pyarrow.parquet.write_table, ".csv": pyarrow.csv.write_csv}
    if path.suffix not in writers or path.exists():
        raise AnonymityInputError(f"{path} must be a new file that ends in .parquet or .csv")
    writers[path.suffix](table, path)
