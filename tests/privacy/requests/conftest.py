"""A desk on a database of its own, with a clock that a test sets, and a vault in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from privacy.requests.blast import Reach
from privacy.requests.desk import Desk
from privacy.requests.kinds import Kind
from privacy.requests.store import Request
from privacy.vault import Vault
from warehouse.database import Database

SUBJECT = "user-4711"


@dataclass
class Clock:
    """The time as a test wants it."""

    at: datetime = field(default=datetime(2024, 1, 31, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def desk(database: Database, vault: Vault, clock: Clock) -> Iterator[Desk]:
    with database.connect("privacy") as conn:
        yield Desk(conn, vault, clock)


def small(_subject: str) -> dict[str, Reach]:
    """A person in a crowd."""
    return {"raw.system_logs": Reach(1, 100)}


def approved(desk: Desk, kind: Kind, details: dict[str, object] | None = None) -> Request:
    """A request that is ready to be carried out."""
    request = desk.open(kind, SUBJECT, by="anna", reason="asked by mail", details=details)
    desk.attest(request.request_id, by="ben", reason="seen at the counter")
    return desk.assess(request.request_id, small, by="anna")
