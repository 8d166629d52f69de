"""BreachService: the register of breaches, who is affected, drafts. Thin: privacy/breaches does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from privacy import access_log
from privacy.access_log import Reader, Seen
from privacy.breaches import affected, register
from privacy.breaches.affected import Affected
from privacy.breaches.drafting import Drafted, Drafting, Round
from privacy.breaches.register import Breach, Entry, MarkedTable

if TYPE_CHECKING:
    import psycopg

    from orchestration.platform import Platform
    from privacy.breaches.clock import Alarm


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Somebody whose looks the access log keeps, on some days or ever (None: no limit)."""

    actor: str
    first_on: date | None = None
    last_on: date | None = None


@dataclass(frozen=True, slots=True)
class BreachService:
    """Breaches of one home. Every method raises a BreachInputError for what cannot be entered."""

    platform: Platform

    def open(self, title: str, *, by: str, aware_at: datetime | None = None) -> Breach:
        """Enter a breach; 72 hours run from aware_at (default: now)."""
        now = self._now()
        with self._connection() as conn:
            number = register.open_breach(conn, title, aware_at=aware_at or now, opened_by=by, now=now)
            return register.load(conn, number)

    def mark(
        self,
        breach_id: int,
        reader: Reader,
        *,
        tables: Sequence[MarkedTable] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> tuple[Breach, Affected]:
        """Enter facts, and tables with who is in them. A table that is not there is refused before all else."""
        entry: dict[str, Any] = {"recorded_by": reader.actor, "now": self._now()}
        with self._connection() as conn:
            counted = affected.count(conn, tables, self._lineage())
            self._keep(conn, reader, tables, counted)
            if facts:
                register.add_facts(conn, breach_id, facts, **entry)
            if tables:
                register.mark_tables(conn, breach_id, tables, **entry)
            return register.load(conn, breach_id), counted

    def breach(self, breach_id: int) -> Breach:
        """One breach."""
        with self._connection() as conn:
            return register.load(conn, breach_id)

    def breaches(self, *, only_open: bool = False) -> list[Breach]:
        """Every breach, the oldest first."""
        with self._connection() as conn:
            return register.all_breaches(conn, only_open=only_open)

    def history(self, breach_id: int) -> list[Entry]:
        """Everything entered about a breach, in order."""
        with self._connection() as conn:
            return register.history(conn, breach_id)

    def draft(
        self, breach_id: int, reader: Reader, *, is_named: bool = False, seen_by: Onlooker | None = None
    ) -> Drafted:
        """Count who is affected and write both drafts, again where there are some.

        is_named: find out who the people are as well; seen_by: only those at whom somebody looked.
        Raises UnboundedLookError where the access log cannot tell.
        """
        with self._connection() as conn:
            breach = register.load(conn, breach_id)
            if is_named:
                found = self._people(conn, breach, seen_by)
            else:
                found = affected.count(conn, breach.tables, self._lineage())
            return self._drafting(conn).write(breach, found, reader, self._now())

    def draft_due(self, reader: Reader) -> Round:
        """Write what markings of tables lack, each once; again it does nothing. What failed is in the round."""
        with self._connection() as conn:
            return self._drafting(conn).due(reader, self._now())

    def raise_alarms(self) -> list[Alarm]:
        """Raise the alarms of the 72 hours that are due, each once."""
        from privacy.breaches.clock import raise_alarms

        with self._connection() as conn:
            return raise_alarms(conn, self._now())

    def record_notification(self, breach_id: int, whom: str, *, by: str, reference: str = "") -> Breach:
        """Enter that the authority or the subjects were told; nothing is sent here."""
        with self._connection() as conn:
            return register.record_notification(
                conn, breach_id, whom, reference=reference, recorded_by=by, now=self._now()
            )

    def close(self, breach_id: int, *, by: str, reasons: Mapping[str, str]) -> Breach:
        """Close a breach whose duties are answered; reasons: authority or subjects -> why they need not be told."""
        with self._connection() as conn:
            return register.close(conn, breach_id, reasons=reasons, recorded_by=by, now=self._now())

    def _people(self, conn: psycopg.Connection, breach: Breach, seen_by: Onlooker | None) -> Affected:
        from privacy.retention.holds import keyed_by

        vault = self.platform.vault
        resolver = affected.Resolver(keyed_by(vault), vault.purpose_key("training_subjects"))
        seen = self._seen(conn, seen_by) if seen_by else None
        return affected.identify(conn, breach.tables, self._lineage(), resolver, seen=seen)

    def _seen(self, conn: psycopg.Connection, by: Onlooker) -> Seen:
        first, last = by.first_on or date.min, by.last_on or date(9998, 12, 31)
        since, until = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
        return access_log.seen_by(conn, self.platform.vault, by.actor, since, until)

    def _keep(self, conn: psycopg.Connection, reader: Reader, tables: Sequence[MarkedTable], found: Affected) -> None:
        """That people were counted, many at once, before anything of it is shown."""
        place = ", ".join(sorted({table.table for table in tables})) or "no table"
        n_rows = sum(line.n_rows for line in found.found)
        access_log.record(
            conn, self.platform.vault, reader, at=self._now(), place=place, n_rows=n_rows, subject=None
        )  # fmt: skip

    def _drafting(self, conn: psycopg.Connection) -> Drafting:
        return Drafting(conn, self.platform.vault, self.platform.home / "breaches", self._lineage)

    def _lineage(self) -> dict[str, list[str]]:
        from orchestration.privacy.lineage import lineage

        return lineage(self.platform.settings)

    def _now(self) -> datetime:
        return self.platform.settings.now()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        with self.platform.database.connect("erasure") as conn:
            yield conn
