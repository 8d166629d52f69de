"""IdentityService: which ids are one person. Thin: privacy/merging.py does it. There is no way back from a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.platform import Platform
    from privacy.access_log import Reader
    from privacy.alias_pairs import Pair
    from privacy.merging import Merged

PLACE = "privacy.identity_merges"


@dataclass(frozen=True, slots=True)
class IdentityService:
    """The ids of the people of one home."""

    platform: Platform

    def merge(self, pairs: Sequence[Pair], *, by: str, reason: str) -> Merged:
        """Make the ids of each (alias, user) one person, all of them or none; again it changes nothing.

        Raises IdentityInputError for an id that is unknown or was erased, and for a pair or a reason at fault.
        """
        from orchestration.privacy.erasure import ledger_of
        from privacy.errors import IdentityInputError
        from privacy.merging import merge

        now = self.platform.settings.now()
        if ledger_of(self.platform).is_erased({name for pair in pairs for name in pair}, now):
            raise IdentityInputError("one of the ids was erased: it is not written down again")
        with self.platform.database.connect("privacy") as conn:
            return merge(conn, pairs, by=by, reason=reason, at=now)

    def merge_file(self, file: Path, *, by: str, reason: str) -> Merged:
        """Merge what a file of JSON Lines names (alias, user), as merge() does."""
        from privacy.alias_pairs import read

        return self.merge(read(file), by=by, reason=reason)

    def ids_of(self, user: str, reader: Reader) -> list[str]:
        """Every id of a person, the one they go by first; this look is in the access log before that is told."""
        from privacy import access_log
        from privacy.identities import by_person, every_id, people_of

        now, vault = self.platform.settings.now(), self.platform.vault
        with self.platform.database.connect("privacy") as conn:
            ids = list(every_id(conn, [by_person([user], people_of(conn, [user]))[user]]))
            access_log.record(conn, vault, reader, at=now, place=PLACE, n_rows=len(ids), subject=user)
        return ids

    def conflicts(self, reader: Reader) -> list[tuple[str, str, str, datetime]]:
        """Statements that wait for a steward, oldest first: (alias, user, source, when); the look is kept as well."""
        from privacy import access_log, merging

        now, vault = self.platform.settings.now(), self.platform.vault
        with self.platform.database.connect("privacy") as conn:
            found = merging.conflicts(conn)
            access_log.record(conn, vault, reader, at=now, place=PLACE, n_rows=len(found), subject=None)
        return found
