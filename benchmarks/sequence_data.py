"""Sequences that others made, read from shared data: pages of web sessions, work on projects, reviews of vendors."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.text_data import fifa
from ml.families.behaviour import Questions
from ml.families.step_tables import Steps


@dataclass(frozen=True, slots=True)
class Visit:
    """A person comes to an item, at a time as the file writes it (so that it sorts as text)."""

    at: str
    item: str


def pages(folder: Path, name: str, shortest: int) -> list[list[str]]:
    """Web sessions of at least `shortest` pages, in the order of the file; name BMS or FIFA.

    As the published evaluation reads them: a page that repeats at once counts once in FIFA, after the length is
    judged, and stays in BMS.
    """
    found = fifa(folder) if name == "FIFA" else _bms(folder)
    long = [session for session in found if len(session) >= shortest]
    return [[page for page, _ in groupby(session)] for session in long] if name == "FIFA" else long


def activity(folder: Path) -> pd.DataFrame:
    """person, at (text, UTC) and item, the project, of everything that people (no bots) did, in order of time."""
    with gzip.open(folder / "git_activity" / "git_activity.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    did = [(row["user_id"], row["created_at"], row["project"]) for row in rows if not row["is_bot"]]
    return pd.DataFrame(did, columns=["person", "at", "item"]).sort_values(["at", "person", "item"])


def reviews(folder: Path) -> pd.DataFrame:
    """person, at (text) and item, the vendor, of every review, in order of time."""
    found = pd.read_csv(folder / "reviews" / "anonreviews.csv.bz2", dtype=str)
    found = found.rename(columns={"reviewerId": "person", "date": "at", "vendorId": "item"})
    return found[["person", "at", "item"]].sort_values(["at", "person", "item"])


def visits(did: pd.DataFrame) -> dict[str, list[Visit]]:
    """The items that each person came to, in order of time; staying at one is one visit."""
    people: dict[str, list[Visit]] = {}
    for person, at, item in did.itertuples(index=False):
        before = people.setdefault(person, [])
        if not before or before[-1].item != item:
            before.append(Visit(at, item))
    return people


def sessions(did: pd.DataFrame, gap_minutes: int = 30) -> pd.DataFrame:
    """person and started_at of each session: it ends where nothing is done for gap_minutes."""
    rows = did.assign(started_at=pd.to_datetime(did["at"]).dt.tz_localize(None)).sort_values(["person", "started_at"])
    gaps = rows.groupby("person")["started_at"].diff()
    return rows.loc[~(gaps <= pd.Timedelta(minutes=gap_minutes)), ["person", "started_at"]]


def learned_from(people: dict[str, list[Visit]], until: str) -> tuple[list[Steps], np.ndarray]:
    """The items of each person's visits before `until`, in order, and whose they are."""
    found = {person: [v.item for v in came if v.at < until] for person, came in people.items()}
    known = [person for person, items in found.items() if items]
    return [found[person] for person in known], np.array(known, dtype=object)


def asked_between(people: dict[str, list[Visit]], begin: str, end: str, *, only_new: bool) -> Questions:
    """Each visit from begin to before end, after all before it; only_new: to an item new to the person."""
    begun, wanted, units = list[Steps](), list[str](), list[str]()
    for person, came in people.items():
        items = [visit.item for visit in came]
        for at in range(1, len(came)):
            is_new = items[at] not in items[:at]
            if begin <= came[at].at < end and (is_new or not only_new):
                begun.append(items[:at])
                wanted.append(items[at])
                units.append(person)
    return Questions(begun, wanted, np.array(units, dtype=object))


def _bms(folder: Path) -> list[list[str]]:
    with gzip.open(folder / "page_sequences" / "BMS.dat.gz", "rt") as file:
        rows = [line.split() for line in file if line.strip()]
    return [[page for _, page in session] for _, session in groupby(rows, key=lambda row: row[0])]
