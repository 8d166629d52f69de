"""The daily partitions of events, and which of a run's days have work to do."""

from __future__ import annotations

import warnings
from datetime import date

import dagster as dg

# Dagster calls BackfillPolicy a beta feature at every use; one run for a range of days is what we need of it.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

FIRST_DAY = "2010-01-01"
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
LOGS = dg.AssetKey(["raw", "system_logs"])
PSEUDONYMOUS = dg.AssetKey(["safe", "pseudonymous_events"])
ANONYMOUS = dg.AssetKey(["safe", "anonymous_events"])
EMBEDDINGS = dg.AssetKey(["safe", "text_embeddings"])
PARTITIONED = frozenset({LOGS, PSEUDONYMOUS, ANONYMOUS, EMBEDDINGS})  # every asset with daily partitions
ONE_RUN = dg.BackfillPolicy.single_run()


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last day of the run's partitions (inclusive)."""
    span = context.partition_key_range
    return date.fromisoformat(span.start), date.fromisoformat(span.end)


def within(days: list[date], span: tuple[date, date]) -> list[date]:
    """The days inside a span."""
    return [day for day in days if span[0] <= day <= span[1]]
