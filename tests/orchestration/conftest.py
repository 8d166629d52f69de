"""The definitions of one home, loaded once: loading needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.platform import PlatformResource, platform_of
from warehouse.database import ADMIN, Database
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """What Dagster loads for a new home; dbt parses the project once."""
    home = tmp_path_factory.mktemp("definitions") / "home"
    return build_definitions(replace(Settings.load(home), database_url=None))


@pytest.fixture
def platform(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformResource]:
    """A home on a database of its own, as sensors and assets receive it."""
    monkeypatch.setenv("LETHE_DATABASE_URL", database.url(ADMIN))
    monkeypatch.setenv("LETHE_CLOCK", "2026-11-20T12:00:00+00:00")
    platform_of.cache_clear()
    yield PlatformResource(home=str(tmp_path / "home"))
    platform_of.cache_clear()
