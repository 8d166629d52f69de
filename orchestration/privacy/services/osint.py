"""OsintService: findings from public sources, brought in files and due again. Thin: privacy/osint does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.platform import Platform
    from privacy.access_log import Reader
    from privacy.osint.holdings import Due
    from privacy.osint.importing import Counts


@dataclass(frozen=True, slots=True)
class OsintService:
    """Findings of one home. Nothing is fetched here."""

    platform: Platform

    def take_in(self, file: Path, source: str, *, by: str) -> Counts:
        """Store a file's findings and count every line of it. Raises an OsintInputError; nothing is stored then."""
        from orchestration.privacy.erasure import ledger_of
        from privacy.osint import importing
        from privacy.osint.findings import checked_source, read

        brought = importing.Brought(checked_source(source), by, self.platform.settings.now())
        erased = ledger_of(self.platform).refusal(brought.at)
        with self.platform.database.connect("privacy") as conn:
            return importing.take_in(conn, self.platform.vault, read(file, brought.at), brought, erased)

    def due(self, reader: Reader) -> list[Due]:
        """What is to be looked for again, and whose it is; this look is in the access log before that is told."""
        from privacy import access_log
        from privacy.osint import holdings
        from privacy.retention.holds import keyed_by

        now, vault = self.platform.settings.now(), self.platform.vault
        with self.platform.database.connect("privacy") as conn:
            found = holdings.due(conn, keyed_by(vault), now)
            access_log.record(conn, vault, reader, at=now, place=holdings.TABLE, n_rows=len(found), subject=None)
        return found
