"""`lethe privacy anonymity`: is a table of your own anonymous enough, and made so. What that means: privacy.anonymity.

Works on a file that somebody hands over; it needs no home. The platform's own shared tables are protected in the
transform and by dbt tests.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE, REFUSED, complain
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from privacy.anonymity.diversity import Constraint

HELP = "a table in a file: whether people stand alone in it, and a copy in which nobody does"


def add(actions: Any, command: Any) -> None:
    """Add the actions of this area."""
    asked = _of_file(command(actions, "check", "whether every class of a table holds k people; 3 where it does not"))
    asked.add_argument("--subject", metavar="COLUMN", help="whose a row is, where a person has several")
    asked.set_defaults(run=check)
    made = _of_file(command(actions, "anonymise", "write a copy with intervals (Mondrian); one row is one person"))
    made.add_argument("--keep", type=_names, default=[], metavar="COLUMNS", help="other columns to write as they are")
    made.add_argument("--to", type=Path, required=True, metavar="FILE", help="the copy: .parquet or .csv")
    made.set_defaults(run=anonymise)


def check(_settings: Settings, options: argparse.Namespace) -> int:
    """Print what the table protects; 3 when that is less than was asked for."""
    from orchestration.handlers import say
    from privacy.anonymity.measures import l_of, t_of
    from privacy.anonymity.suppression import check_k

    table = read(options.file)
    found = check_k(table, options.quasi, options.k, subject=options.subject)
    say(
        f"k = {found.smallest or 0}: {found.n_classes:,} classes, {found.n_rows_at_risk:,} of {found.n_rows:,} rows in "
        f"classes of fewer than {options.k}"
    )
    failed = [] if found.passed else [f"k is below {options.k}"]
    if options.sensitive:
        diversity, closeness = (of(table, options.quasi, options.sensitive) for of in (l_of, t_of))
        say(f"{options.sensitive}: l = {diversity}, t = {closeness:.3f}")
        failed += [f"l is below {options.l}"] if diversity < (options.l or 0) else []
        failed += [f"t is above {options.t}"] if options.t is not None and closeness > options.t else []
    return complain(f"{'; '.join(failed)}: this table must not be released", REFUSED) if failed else DONE


def anonymise(_settings: Settings, options: argparse.Namespace) -> int:
    """Write the copy: quasi-identifiers as intervals, the sensitive column, and what is named to be kept."""
    from orchestration.handlers import say
    from privacy.anonymity.errors import AnonymityInputError
    from privacy.anonymity.intervals import anonymise as generalised
    from privacy.anonymity.measures import ncp

    table = read(options.file)
    wanted = [*options.quasi, *([options.sensitive] if options.sensitive else []), *options.keep]
    if unknown := [name for name in wanted if name not in table.column_names]:
        raise AnonymityInputError(f"{options.file} has no column {', '.join(unknown)}")
    made = generalised(table.select(wanted), options.quasi, options.k, constraints=_constraints(table, options))
    if made.n_suppressed:
        return complain(f"{table.num_rows:,} rows allow no class that is asked for; nothing was written", REFUSED)
    write(made.table, options.to)
    say(f"{options.to}: {made.table.num_rows:,} rows, k = {options.k}, {ncp(made.partitioning):.1%} of the detail lost")
    say(f"columns left out: {', '.join(name for name in table.column_names if name not in wanted) or 'none'}")
    return DONE


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


def _constraints(table: pa.Table, options: argparse.Namespace) -> list[Constraint]:
    from privacy.anonymity.diversity import close, diverse

    made: list[Constraint] = []
    if options.sensitive and options.l:
        made.append(diverse(table, options.sensitive, options.l))
    if options.sensitive and options.t is not None:
        made.append(close(table, options.sensitive, options.t))
    return made


def _of_file(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("file", type=Path, metavar="FILE", help="the table: .parquet or .csv with a header")
    parser.add_argument("--quasi", type=_names, required=True, metavar="COLUMNS", help="what an outsider could know")
    parser.add_argument("--k", type=int, default=5, help="people in each class (default: 5)")
    parser.add_argument("--sensitive", metavar="COLUMN", help="what nobody should learn of somebody")
    parser.add_argument("--l", type=int, help="different sensitive values in each class")
    parser.add_argument(
        "--t", type=float, help="how far, 0 to 1, a class may be from the table in the sensitive column"
    )
    return parser


def _names(text: str) -> list[str]:
    return text.split(",")
