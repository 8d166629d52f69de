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
    from privacy.anonymity.judgement import Protection

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
    from orchestration.privacy.services import anonymity as service

    judged = service.check(options.file, _asked(options, subject=options.subject))
    found = judged.found
    say(
        f"k = {found.smallest or 0}: {found.n_classes:,} classes, {found.n_rows_at_risk:,} of {found.n_rows:,} rows in "
        f"classes of fewer than {options.k}"
    )
    if options.sensitive:
        say(f"{options.sensitive}: l = {judged.diversity}, t = {judged.closeness:.3f}")
    if judged.failures:
        return complain(f"{'; '.join(judged.failures)}: this table must not be released", REFUSED)
    return DONE


def anonymise(_settings: Settings, options: argparse.Namespace) -> int:
    """Write the copy: quasi-identifiers as intervals, the sensitive column, and what is named to be kept."""
    from orchestration.handlers import say
    from orchestration.privacy.services import anonymity as service

    copy = service.anonymise(options.file, _asked(options), options.keep, options.to)
    say(f"{options.to}: {copy.table.num_rows:,} rows, k = {options.k}, {copy.loss:.1%} of the detail lost")
    say(f"columns left out: {', '.join(copy.left_out) or 'none'}")
    return DONE


def _asked(options: argparse.Namespace, subject: str | None = None) -> Protection:
    from privacy.anonymity.judgement import Protection

    return Protection(options.quasi, options.k, options.sensitive, options.l, options.t, subject)


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
