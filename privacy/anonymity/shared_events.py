"""k-anonymity of safe.anonymous_events: which columns an outsider could know, and what is given up first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy.anonymity.ladder import Step, recode_until_k

if TYPE_CHECKING:
    import pyarrow as pa

K = 5
QUASI_IDENTIFIERS = (
    "company",
    "event_type",
    "event_source",
    "component",
    "action",
    "data",
    "occurred_hour",
    "event_day",
)
SUBJECT = "subject"


def protect_shared_events(events: pa.Table, subjects: pa.Array, k: int = K) -> tuple[pa.Table, int]:
    """The events of classes with k different people, coarsened only as far as needed; and how many are left out.

    events: the columns of safe.anonymous_events, whole event days (a day is never coarsened, so days do not depend on
    each other); subjects: per event whose it is, null for nobody's, which count for none.
    Given up one after the other: data, the hour, the component, the company. kept.num_rows + n_suppressed =
    events.num_rows; the order of rows stays.
    """
    owned = events.append_column(SUBJECT, subjects)
    steps: tuple[Step, ...] = (
        {"data": "{}"},
        {"occurred_hour": _day},
        {"component": None},
        {"company": None},
    )
    kept, n_suppressed = recode_until_k(owned, QUASI_IDENTIFIERS, k, steps=steps, subject=SUBJECT)
    return kept.drop_columns([SUBJECT]), n_suppressed


def _day(hours: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    distinct = hours.dictionary_encode()
    return pc.floor_temporal(distinct.dictionary, unit="day").take(distinct.indices)
