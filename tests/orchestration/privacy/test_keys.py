"""`lethe privacy keys` in this process: the state of the vault before, during and after a rotation."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.keys_jobs import key_rotation_job
from privacy.vault import Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """The vault of a home, with keys of three people."""
    vault = Vault.open(tmp_path / "vault")
    vault.data_keys(["user-1", "user-2", "user-3"])
    return vault


def test_a_rotation_is_done_and_shown(vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ("--home", str(tmp_path))
    vault.forget(["user-3"])
    assert cli.main(["privacy", "keys", "status", *home]) == cli.DONE
    before = capsys.readouterr().out
    assert "generation 1: 2 data keys, master key local:" in before
    assert "1 purpose keys, 0 salts, 1 destroyed" in before
    assert cli.main(["privacy", "keys", "rotate", *home]) == cli.DONE
    assert "2 data keys and 1 purpose keys are of generation 2 now" in capsys.readouterr().out
    assert cli.main(["privacy", "keys", "status", *home]) == cli.DONE
    after = capsys.readouterr().out
    assert "generation 2: 2 data keys" in after
    assert "unfinished" not in after
    assert "user-" not in before + after


def test_an_unfinished_rotation_is_shown(vault: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.rotate(rows=1, progress=stop)
    assert cli.main(["privacy", "keys", "status", "--home", str(tmp_path)]) == cli.DONE
    assert "unfinished: run lethe privacy keys rotate" in capsys.readouterr().out


@pytest.mark.parametrize("setting", ["no key", base64.b64encode(bytes(32)).decode()])
def test_a_master_key_that_cannot_serve_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("LETHE_MASTER_KEY", setting)
    assert cli.main(["privacy", "keys", "rotate", "--home", str(tmp_path)]) == cli.USAGE
    told = capsys.readouterr().err
    assert "LETHE_MASTER_KEY" in told
    assert setting not in told


def test_a_rotation_in_dagster_counts_and_draws_and_names_nobody(platform: PlatformResource) -> None:
    vault = platform.open().vault
    vault.data_keys(["user-1", "user-2"])
    result = key_rotation_job.execute_in_process(resources={"platform": platform})
    (event,) = [e for e in result.all_events if e.is_successful_output]
    metadata = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert (metadata["data_keys"], metadata["generation"], metadata["is_unfinished"]) == (2, 2, False)
    assert "data:image/svg" in str(metadata["data_keys_per_generation"])
    assert not any("user-" in str(event) for event in result.all_events)
    assert list(vault.status().n_data_keys.values()) == [2]
