"""Drafts written once for every marking of tables: counted, written and entered under a lock. The words: notices.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from privacy import access_log
from privacy.access_log import Reader
from privacy.breaches import affected, register
from privacy.breaches.affected import Affected, Lineage
from privacy.breaches.errors import BreachInputError, UndraftedBreachError
from privacy.breaches.notices import Draft, drafts
from privacy.breaches.register import Breach, Entry
from warehouse.secrets import write_private

if TYPE_CHECKING:
    from privacy.signing import PurposeKeys


@dataclass(frozen=True, slots=True)
class Drafted:
    """The drafts of a breach: their files, and who was counted for them. It names nobody."""

    breach: Breach
    affected: Affected
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One look at all open breaches: what was drafted, and by number what kept another from being drafted."""

    drafted: tuple[Drafted, ...]
    faults: Mapping[int, str]

    def refuse_faults(self) -> None:
        """Raises UndraftedBreachError where a breach has no drafts; those of the others are written."""
        if self.faults:
            said = "; ".join(f"breach {number}: {why}" for number, why in self.faults.items())
            raise UndraftedBreachError(f"no notification could be drafted. {said}")


@dataclass(frozen=True, slots=True)
class Drafting:
    """Drafts of one home. conn is of the role `erasure`; folder gets one a breach; lineage is asked when needed."""

    conn: psycopg.Connection
    keys: PurposeKeys = field(repr=False)
    folder: Path
    lineage: Callable[[], Lineage]

    def due(self, reader: Reader, now: datetime) -> Round:
        """Draft for every marking that has no drafts. One breach that cannot be drafted keeps no other from it."""
        done, faults = [], {}
        numbers = [b.breach_id for b in register.all_breaches(self.conn, only_open=True) if undrafted(b)]
        for number in numbers:
            try:
                drafted = self._once(number, reader, now)
            except BreachInputError as error:
                faults[number] = str(error)
            else:
                done += [drafted] if drafted else []
        return Round(tuple(done), faults)

    def write(self, breach: Breach, found: Affected, reader: Reader, now: datetime) -> Drafted:
        """Who had the people counted, into the access log; both drafts as text and document, readable by their owner
        only; and one commit that enters them. Killed before it, the next one writes the same files anew.
        """
        access_log.record(
            self.conn, self.keys, reader, at=now, place=_places(breach),
            n_rows=sum(line.n_rows for line in found.found), subject=None,
        )  # fmt: skip
        self.conn.commit()  # before anything is handed out
        texts = drafts(breach, found, now)
        paths = [path for draft in texts for path in _files(draft, self.folder / str(breach.breach_id))]
        entries = [
            {"whom": d.whom, "sha256": d.sha256, "missing": list(d.missing), "markings": list(breach.markings)}
            for d in texts
        ]
        entered = register.record_drafts(self.conn, breach.breach_id, entries, recorded_by=reader.actor, now=now)
        return Drafted(entered, found, tuple(paths))

    def _once(self, number: int, reader: Reader, now: datetime) -> Drafted | None:
        """Of two who look at once the second waits, and finds nothing to do."""
        with self._claimed(number):
            breach = register.load(self.conn, number)
            if not undrafted(breach):
                return None
            return self.write(breach, affected.count(self.conn, breach.tables, self.lineage()), reader, now)

    @contextmanager
    def _claimed(self, number: int) -> Iterator[None]:
        """Hold the breach's lock over several commits; it ends with the connection, so a killed run leaves none."""
        lock = (f"privacy.breaches/{number}",)
        self.conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", lock)
        try:
            yield
        finally:
            if not self.conn.closed:
                self.conn.rollback()
                self.conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", lock)
                self.conn.commit()


def undrafted(breach: Breach) -> tuple[int, ...]:
    """The markings that no drafts were written for; none once the breach is closed. Pure."""
    return () if breach.closed_at else tuple(m for m in breach.markings if m not in breach.drafted)


def waiting(conn: psycopg.Connection) -> list[Entry]:
    """The markings of open breaches that have no drafts, the oldest first."""
    found = {m: b.breach_id for b in register.all_breaches(conn, only_open=True) for m in undrafted(b)}
    entries = [entry for number in sorted(set(found.values())) for entry in register.history(conn, number)]
    return sorted((entry for entry in entries if entry.entry_id in found), key=lambda entry: entry.entry_id)


def _files(draft: Draft, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    texts = {"md": draft.markdown, "json": draft.json}
    for suffix, text in texts.items():
        write_private(folder / f"{draft.whom}.{suffix}", text)
    return [folder / f"{draft.whom}.{suffix}" for suffix in texts]


def _places(breach: Breach) -> str:
    return ", ".join(sorted({table.table for table in breach.tables})) or "no table"
