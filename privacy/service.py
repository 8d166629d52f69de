"""PrivacyService: consent as a product uses it. Thin: consent.py, notices.py, receipts.py and merging.py do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from privacy import access_log, consent, notices
from privacy.access_log import PRODUCT, Reader
from privacy.methods import GPC_PURPOSES
from privacy.receipts import Controller, consent_receipt
from privacy.signing import PurposeKeys

Connect = Callable[[], AbstractContextManager[psycopg.Connection]]
GRANTS = {True: "grant", False: "withdraw"}


@dataclass(frozen=True, slots=True)
class PrivacyService:
    """Consent of people. connect: connections of the privacy role; keys: the vault; now: the clock, aware UTC."""

    connect: Connect
    keys: PurposeKeys
    now: Callable[[], datetime]

    def serve_notice(self, user_id: str, purpose: str, *, language: str, place: str) -> notices.ServedNotice:
        """The words to show, recorded as shown. Raises UnknownPurposeError or UnknownNoticeError."""
        with self.connect() as conn:
            notices.publish_notices(conn, self.now())
            return notices.serve_notice(conn, user_id, purpose, language=language, served_at=self.now(), place=place)

    def dismiss_notice(self, user_id: str, served_notice_id: int) -> None:
        """Somebody closed a notice: kept as that, and no choice of theirs changes. Raises UnknownNoticeError."""
        with self.connect() as conn:
            notices.dismiss_notice(conn, user_id, served_notice_id, self.now())

    def update_consent(
        self,
        user_id: str,
        updates: Mapping[str, bool],
        *,
        source: str,
        method: str = "save",
        **about: Any,
    ) -> int:
        """Record what a person decided now: purpose -> yes or no. Returns how many decisions are new.

        A withdrawal stops collection from its commit on and makes the days it touches dirty. about: reason, evidence,
        served_notice_id (of one purpose) and recorded_by, as in consent.Decision.
        Raises UnknownPurposeError or InvalidDecisionError; then nothing is recorded.
        """
        at = self.now()
        decisions = [
            consent.Decision(user_id, purpose, GRANTS[agrees], at, at, source, method, **about)
            for purpose, agrees in updates.items()
        ]
        with self.connect() as conn:
            return consent.record_decisions(conn, decisions)

    def signal_gpc(self, user_id: str, *, source: str) -> int:
        """Obey a browser's Global Privacy Control: withdraw sharing and marketing where they are not withdrawn yet."""
        with self.connect() as conn:  # the person's own signal: nobody looks
            current = consent.get_consent(conn, user_id)
        updates = {purpose: False for purpose in GPC_PURPOSES if current[purpose] != "withdraw"}
        return self.update_consent(user_id, updates, source=source, method="gpc") if updates else 0

    def get_consent(self, user_id: str, reader: Reader = PRODUCT) -> dict[str, str]:
        """The person's latest word per purpose: grant, withdraw, or none. The access log keeps who read it."""
        with self.connect() as conn:
            found = consent.get_consent(conn, user_id)
            self._keep(conn, reader, user_id, "consent.consent_settings", len(found))
        return found

    def history(self, user_id: str, reader: Reader = PRODUCT) -> list[consent.Decision]:
        """Every decision of a person, in the order in which they count. The access log keeps who read it."""
        with self.connect() as conn:
            found = consent.history(conn, user_id)
            self._keep(conn, reader, user_id, "consent.consent_events", len(found))
        return found

    def receipt(self, user_id: str, controller: Controller, reader: Reader = PRODUCT) -> dict[str, Any]:
        """The person's decisions as a signed document that anybody can verify. The access log keeps who read it."""
        with self.connect() as conn:
            decisions, served = consent.history(conn, user_id), notices.served_to(conn, user_id)
            self._keep(conn, reader, user_id, "consent.consent_events", len(decisions))
        return consent_receipt(user_id, decisions, served, controller, issued_at=self.now(), keys=self.keys)

    def _keep(self, conn: psycopg.Connection, reader: Reader, user_id: str, place: str, n_rows: int) -> None:
        access_log.record(conn, self.keys, reader, at=self.now(), place=place, n_rows=n_rows, subject=user_id)
