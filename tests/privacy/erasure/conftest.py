"""A world per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.erasure.stores import Stores
from tests.privacy.erasure import world
from warehouse.database import Database


@pytest.fixture
def stores(database: Database, tmp_path: Path) -> Stores:
    return world.build(database, tmp_path / "home")
