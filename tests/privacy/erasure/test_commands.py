"""A receipt is checked where there is no home; Dagster's part loads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.cli import main
from orchestration.platform import Platform
from orchestration.privacy.erasure import catch_up, ledger_of
from privacy.erasure.erasure import erase, receipt_path, resume, unfinished
from privacy.erasure.errors import ErasureInputError, SurvivingRowsError
from privacy.erasure.ledger import START
from privacy.erasure.stores import Stores
from privacy.signing import signer
from tests.privacy.erasure.world import ALIAS, NOW, PERSON
from warehouse.settings import Settings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("words", [("privacy", "erasure", "verify"), ("privacy", "verify")])
def test_a_receipt_is_checked_without_a_home(
    words: tuple[str, ...], stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = erase(stores, PERSON, aliases=[ALIAS], request_id="request-1", now=NOW)
    path, elsewhere = receipt_path(stores.home, receipt["erasure_id"]), tmp_path / "elsewhere"
    command = [*words, "--home", str(elsewhere)]
    assert main([*command, str(path), "--trust", signer(stores.vault)]) == 0
    assert "0 left" in capsys.readouterr().out
    assert not elsewhere.exists()
    assert main([*command, str(path), "--trust", "0" * 32]) != 0
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(receipt | {"request_id": "another"}))
    assert main([*command, str(changed)]) != 0
    assert main([*command, str(tmp_path / "none.json")]) != 0


def test_a_stopped_erasure_goes_on_without_its_person(stores: Stores) -> None:
    path = stores.home / "notes.bin"
    path.write_bytes(PERSON.encode())
    with pytest.raises(SurvivingRowsError):
        erase(stores, PERSON, aliases=[ALIAS], request_id="request-1", now=NOW)
    assert unfinished(stores) == ["request-1"]
    path.unlink()
    assert resume(stores, "request-1", NOW)["n_identities"] == 2
    assert unfinished(stores) == []
    with pytest.raises(ErasureInputError):
        resume(stores, "request-1", NOW)


def test_a_home_catches_up_when_it_is_opened(stores: Stores, settings: Settings) -> None:
    """Nothing to do without a ledger, and nothing where the database knows it; a marker that is behind is seen."""
    platform = Platform(replace(settings, home=stores.home), stores.database)
    assert catch_up(platform, NOW) is None
    erase(stores, PERSON, aliases=[ALIAS], request_id="request-1", now=NOW)
    assert catch_up(platform, NOW) is None
    with stores.database.connect("erasure") as conn:
        conn.execute("update privacy.erasure_marker set head = %s", (START,))
    replay = catch_up(platform, NOW)
    assert replay is not None
    assert (replay.n_erasures, replay.n_identities) == (1, 0)
    assert ledger_of(platform).is_erased([PERSON], NOW) == {PERSON}
