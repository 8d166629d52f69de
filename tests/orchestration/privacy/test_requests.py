"""`lethe privacy requests` in this process, over a real database and vault: from a request to a package, once."""

from __future__ import annotations

import json
import stat
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.training_sets import blind, set_key
from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.request_effects import models_that_used
from privacy.exports.exporting import keys_of
from tests.privacy.events import event, store
from warehouse.database import ADMIN

pytestmark = pytest.mark.integration
WHY = ("--by", "anna", "--reason", "asked by mail")


class Terminal:
    """Runs commands and keeps what they print."""

    def __init__(self, home: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.capsys = home, capsys

    def __call__(self, *arguments: str, code: int = cli.DONE) -> str:
        assert cli.main(["privacy", "requests", *arguments, "--home", self.home]) == code, self.capsys.readouterr()
        shown = self.capsys.readouterr()
        return shown.out if code == cli.DONE else shown.err


@pytest.fixture
def lethe(platform: PlatformResource, capsys: pytest.CaptureFixture[str]) -> Terminal:
    with platform.open().database.connect(ADMIN) as conn:
        store(conn, [event(n, {"n": n}, user_id="user-4711" if n == 0 else f"other-{n}") for n in range(100)])
    return Terminal(platform.home, capsys)


def test_from_a_request_to_a_package_that_is_fetched_once(lethe: Terminal, tmp_path: Path) -> None:
    request = lethe("open", "access", "user-4711", *WHY).split()[0]
    code = lethe("verify-identity", request, "--challenge", "--by", "anna").strip()
    assert " approved " in lethe("verify-identity", request, "--code", code, "--by", "anna")
    ran = lethe("run", request, "--by", "anna")
    assert " complete " in ran
    link, package = ran.split()[-1], tmp_path / "package.zip"
    assert "index.html" in lethe("export", link, "--to", str(package))
    assert stat.S_IMODE(package.stat().st_mode) == 0o600
    with zipfile.ZipFile(package) as opened:
        tables = json.loads(opened.read("data.json"))["tables"]
    assert [row["id"] for row in tables["raw.system_logs"]] == ["e0"]
    assert tables["models"] == []
    lethe("export", link, "--to", str(tmp_path / "again.zip"), code=cli.exit_code(_used()) or cli.FAULT)
    newer = lethe("link", request).strip()
    lethe("export", newer, "--to", str(tmp_path / "again.zip"))
    trail = [line.split()[2] for line in lethe("show", request).splitlines()[1:]]
    assert trail == ["open", "challenge", "code_matched", "assess", "start", "finish", "measure", "complete"]
    assert "user-4711" not in lethe("show", request)


def _used() -> Exception:
    from privacy.exports.errors import UsedLinkError

    return UsedLinkError("used")


def test_expired_packages_go(lethe: Terminal, platform: PlatformResource, monkeypatch: pytest.MonkeyPatch) -> None:
    request = lethe("open", "export", "user-4711", *WHY).split()[0]
    lethe("verify-identity", request, "--attest", "seen at the counter", "--by", "ben")
    lethe("run", request, "--by", "anna")
    folder = Path(platform.home) / "exports"
    assert "0 packages" in lethe("expire")
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setenv("LETHE_CLOCK", "2026-11-27T12:00:00+00:00")
    assert "1 packages" in lethe("expire")
    assert list(folder.iterdir()) == []


def test_a_large_request_waits_for_another_person_and_shows_its_due_date(lethe: Terminal) -> None:
    lethe("open", "access", "other-1", *WHY)
    request = lethe("open", "restriction", "user-4711", *WHY).split()[0]
    assert lethe("extend", request, *WHY).split()[-1] == "2027-02-20"
    with_consent = lethe("verify-identity", request, "--attest", "seen at the counter", "--by", "ben")
    assert " approved " in with_consent
    lethe("run", request, "--by", "anna")
    large = lethe("open", "objection", "user-4711", *WHY).split()[0]
    # Nobody else has decided anything yet: all of the ledger is this person's.
    assert " awaiting_approval " in lethe("verify-identity", large, "--attest", "seen", "--by", "ben")
    for name in ("anna", "ben"):
        assert "vouched" in _refused(lethe, "approve", large, "--by", name, "--reason", "fine")
    assert " approved " in lethe("approve", large, "--by", "chris", "--reason", "fine")
    assert " withdrawn " in lethe("withdraw", large, *WHY)
    assert "received           due 2026-12-20  30 days left" in lethe("list")
    assert len(lethe("list", "--open").splitlines()) == 2


def _refused(lethe: Terminal, *arguments: str) -> str:
    from privacy.requests.errors import ForbiddenTransitionError

    return lethe(*arguments, code=cli.exit_code(ForbiddenTransitionError("no")) or cli.FAULT)


def test_a_file_of_details_that_cannot_be_read_is_said_in_words(lethe: Terminal, tmp_path: Path) -> None:
    from privacy.requests.errors import IncompleteRequestError

    wrong = tmp_path / "details.json"
    wrong.write_text('["secret"]')
    code = cli.exit_code(IncompleteRequestError("no")) or cli.FAULT
    said = lethe("open", "objection", "user-4711", *WHY, "--details", str(wrong), code=code)
    assert "details.json" in said
    assert "secret" not in said


class Versions:
    """Two versions of one model, as the registry tells of them; MLflow itself takes ten seconds to make its tables."""

    name = "churn"

    def of(self, name: str) -> OtherVersions:
        return OtherVersions(name)

    def run_id(self, version: int) -> str:
        return f"run-{version}"

    def versions(self) -> dict[int, dict[str, str]]:
        return {1: {"lethe.training_set_id": "churn-1"}, 2: {"lethe.training_set_id": "churn-9"}}


@dataclass(frozen=True)
class OtherVersions:
    """The registry of another model; its first version learned from a set of its own."""

    name: str

    def run_id(self, version: int) -> str:
        return f"run-{version} of {self.name}"

    def versions(self) -> dict[int, dict[str, str]]:
        return {1: {"lethe.training_set_id": f"{self.name}-1"}}


def test_the_models_that_learned_from_a_person_are_named(platform: PlatformResource) -> None:
    opened = platform.open()
    opened.__dict__["registry"] = Versions()
    key = opened.vault.purpose_key("training_subjects")
    with opened.database.connect(ADMIN) as conn:
        sets = {"churn-1": ["user-1", "user-2"], "churn-2": ["user-2"], "next_action-1": ["user-1"]}
        for name, members in sets.items():
            conn.execute(
                "insert into ml.training_sets values (%s, '', '{}', 1, 1, %s)", (name, datetime(2026, 1, 1, tzinfo=UTC))
            )
            tokens = [str(keys_of(opened.vault, member)["keyed"]) for member in members]
            for blinded in blind(tokens, set_key(key, name)):
                conn.execute("insert into ml.training_subjects values (%s, %s)", (name, blinded))
    rows = {who: models_that_used(opened, who) for who in ("user-1", "user-2", "user-3")}
    learned = {"training_set": "churn-1", "run": "run-1", "model": "churn", "version": 1}
    other = {"training_set": "next_action-1", "run": "run-1 of next_action", "model": "next_action", "version": 1}
    gone = {"training_set": "churn-2", "run": None, "model": None, "version": None}
    assert rows == {"user-1": [learned, other], "user-2": [learned, gone], "user-3": []}
