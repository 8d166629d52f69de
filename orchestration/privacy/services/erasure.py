"""ErasureService: one person out of every store, with proof. Thin: privacy/erasure does it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.privacy.erasure import stores_of
from privacy import access_log
from privacy.access_log import Reader
from privacy.erasure import erasure

if TYPE_CHECKING:
    from ml.taint import TaintedVersion
    from orchestration.platform import Platform


@dataclass(frozen=True, slots=True)
class ErasureService:
    """Erasures of one home. A person asks by a request (RequestService), which checks who they are first."""

    platform: Platform

    def plan(self, user_id: str, reader: Reader, *, aliases: Collection[str] = ()) -> dict[str, int]:
        """Rows of a person by target; deletes nothing. The access log keeps who counted."""
        found = erasure.plan(stores_of(self.platform), user_id, aliases)
        with self.platform.database.connect("erasure") as conn:
            for name in (user_id, *aliases):
                access_log.record(
                    conn, self.platform.vault, reader, at=self._now(), place="every table of people",
                    n_rows=sum(found.values()), subject=name,
                )  # fmt: skip
        return found

    def run(self, user_id: str, *, request_id: str, aliases: Collection[str] = ()) -> dict[str, Any]:
        """Erase while no run writes to the home, or go on; returns the signed receipt.

        Raises AnotherRunError, or an ErasureError when it is not complete: the same call goes on.
        """
        from orchestration import pipeline

        stores = stores_of(self.platform)
        with pipeline.exclusive(self.platform):
            return erasure.erase(stores, user_id, request_id=request_id, now=self._now(), aliases=aliases)

    def go_on(self) -> list[dict[str, Any]]:
        """Complete every erasure that a kill or a fault stopped; returns their receipts."""
        requests = erasure.unfinished(stores_of(self.platform, with_manifest=False))
        stores = stores_of(self.platform, with_manifest=bool(requests))  # dbt is asked only where it is needed
        return [erasure.resume(stores, request, self._now()) for request in requests]

    def receipt(self, request_id: str) -> dict[str, Any] | None:
        """The receipt of a request whose erasure is complete, or None."""
        return erasure.finished(stores_of(self.platform, with_manifest=False), request_id)

    def receipt_path(self, receipt: dict[str, Any]) -> Path:
        """Where a receipt lies."""
        return erasure.receipt_path(self.platform.home, receipt["erasure_id"])

    def erasures(self) -> list[tuple[str, str, datetime]]:
        """(request, state, when it was opened) of every erasure, the oldest first."""
        with self.platform.database.connect("erasure") as conn:
            return conn.execute(
                "select request_id, status, opened_at from privacy.erasures order by opened_at"
            ).fetchall()

    def tainted(self) -> list[TaintedVersion]:
        """Model versions that learnt from somebody who is gone, and when each must be replaced."""
        from ml import taint

        return [version for registry in self.platform.registries for version in taint.tainted(registry)]

    def _now(self) -> datetime:
        return self.platform.settings.now()
