"""Accounts that are over become requests for erasure: the silent wait for the officer, the deleted are carried out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.platform import Platform
    from privacy.requests.desk import Desk
    from privacy.requests.store import Request
    from privacy.retention.accounts import Ended

BY = "retention"
MOST = 500  # of each kind in one run: an officer reads them; the rest follows with the next runs
WHY = {
    "inactive_users": "nothing was seen of this account for the term of inactive users; verify and run, or refuse",
    "deleted_accounts": "the account was deleted and the term of deleted accounts is over",
}
NEUTRAL = "5(1)(e)"  # storage limitation; where the words above would name the person


def propose(platform: Platform) -> Counter[str]:
    """Open an erasure for every account that is over, unless the person has one open; returns how many by policy.

    Killed midway, the next run finds the requests that were opened and opens no second.
    """
    from privacy.requests.desk import Desk
    from privacy.retention import accounts
    from privacy.retention.terms import terms

    opened: Counter[str] = Counter()
    now = platform.settings.now()
    with platform.database.connect("privacy") as conn:
        desk = Desk(conn, platform.vault, platform.settings.now)
        due = [e for e in accounts.ended(conn, terms(conn, now), MOST) if not e.is_held]
        conn.rollback()
        for end in due:
            if not _has_erasure(desk, end.subject):
                _open(platform, desk, end)
                opened[end.ending] += 1
            accounts.note_proposed(conn, end.subject, now.date())
            conn.commit()
    return opened


def _has_erasure(desk: Desk, subject: str) -> bool:
    from privacy.requests import store
    from privacy.requests.desk import blinded
    from privacy.requests.kinds import Kind

    found = store.find(desk.conn, blinded_subject=blinded(desk.vault, subject), only_open=True)
    return any(request.kind is Kind.ERASURE for request in found)


def _open(platform: Platform, desk: Desk, end: Ended) -> Request:
    from orchestration.privacy.request_effects import assess
    from privacy.requests.kinds import Kind
    from privacy.retention.accounts import Ending

    reason = NEUTRAL if end.subject.lower() in WHY[end.ending] else WHY[end.ending]
    request = desk.open(Kind.ERASURE, end.subject, by=BY, reason=reason)
    if end.ending is Ending.DELETED:  # the person's own act; a silent one's identity is the officer's to vouch for
        desk.attest(request.request_id, by=BY, reason=reason)
        request = assess(platform, desk, request.request_id, by=BY)
    return request
