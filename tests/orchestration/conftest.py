"""The definitions of one home, loaded once: loading needs no database."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """What Dagster loads for a new home; dbt parses the project once."""
    home = tmp_path_factory.mktemp("definitions") / "home"
    return build_definitions(replace(Settings.load(home), database_url=None))
