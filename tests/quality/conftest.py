"""What the tests of `quality` need beyond the database: third-party warnings that are not ours to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

THIRD_PARTY_WARNINGS = (
    # Great Expectations 1.24 imports sre_constants and sre_parse by their old names, once, at its import.
    "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in THIRD_PARTY_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))
