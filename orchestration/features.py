"""`lethe features`: feature sets, and their rows of a range of cutoffs. Wiring only: ModelTrainingService does it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.days import day
from orchestration.privacy.commands import AddCommand
from warehouse.settings import Settings

if TYPE_CHECKING:
    from ml.service import ModelTrainingService


def add(commands: Any, command: AddCommand) -> None:
    """Add `features list` and `features extract`."""
    parser = commands.add_parser("features", help="feature sets for training: list them, extract their rows")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = command(actions, "list", "every feature set with its purpose, version and number of features")
    listing.set_defaults(run=show)
    extracting = command(actions, "extract", "write a set's rows of a range of cutoffs to ml.extracted_features")
    extracting.add_argument("feature_set", metavar="SET", help="the name of the feature set, as `list` prints it")
    extracting.add_argument("--start", type=day, required=True, metavar="DAY", help="the first cutoff, like 2026-01-05")
    extracting.add_argument("--end", type=day, required=True, metavar="DAY", help="before this day")
    extracting.set_defaults(run=extract)


def show(settings: Settings, _options: argparse.Namespace) -> int:
    """Print the sets; needs no database."""
    from ml.feature_sets import read_feature_sets
    from orchestration.dbt import PROJECT_DIR
    from orchestration.handlers import say

    del settings
    for name, found in sorted(read_feature_sets(PROJECT_DIR).items()):
        say(f"{name:<18} {found.version}  {len(found.features):>3} features  {found.purpose}")
    return DONE


def extract(settings: Settings, options: argparse.Namespace) -> int:
    """Extract and say what changed."""
    from orchestration.handlers import say

    done = service(settings).extract_features(options.feature_set, options.start, options.end)
    say(f"{done.feature_set}, version {done.version}: {done.n_rows:,} rows of cutoffs from {options.start} to before "
        f"{options.end}; {done.n_written:,} written, {done.n_removed:,} removed")  # fmt: skip
    return DONE


def service(settings: Settings) -> ModelTrainingService:
    """The façade over a home's database."""
    from ml.service import ModelTrainingService
    from orchestration.dbt import PROJECT_DIR
    from orchestration.platform import Platform

    database = Platform.open(settings).database
    return ModelTrainingService(lambda: database.connect("ml"), PROJECT_DIR, settings.now)
