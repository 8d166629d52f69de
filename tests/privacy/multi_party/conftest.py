"""One authority for all tests of multi-party computation; making keys takes longer than using them."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.multi_party.rehearsal import certify
from tests.privacy.multi_party.gathering import NAMES


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates of every party."""
    folder = tmp_path_factory.mktemp("authority")
    certify(folder, NAMES)
    return folder
