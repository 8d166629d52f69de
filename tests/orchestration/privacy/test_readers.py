"""Every command that reads people's data refuses when the access log takes no entry, and shows nothing of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy import erasure, lineage
from orchestration.privacy.readers import READS_PEOPLE, account
from orchestration.privacy.services import erasure as erasing
from privacy.erasure.sealed import associated_data
from tests.orchestration.privacy.test_consent import CONTROLLER
from tests.privacy.events import event, store
from tests.privacy.looks import looks, refuse_entries
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
WHY = ("--by", "anna", "--reason", "asked by mail")
VALUE = "a-value-of-hers"


@pytest.fixture
def lethe(
    platform: PlatformResource, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs a command; parsing dbt takes seconds and is not what this is about."""
    stores_of = erasure.stores_of
    monkeypatch.setattr(lineage, "lineage", lambda _: {})
    monkeypatch.setattr(erasing, "stores_of", lambda opened: stores_of(opened, with_manifest=False))

    def run(*arguments: str) -> tuple[int, str]:
        try:
            code = cli.main([*arguments, "--home", platform.home])
        except psycopg.errors.RaiseException:
            code = cli.FAULT
        return code, capsys.readouterr().out

    return run


def commands(request: str, link: str, folder: Path) -> dict[str, tuple[str, ...]]:
    controller = folder / "controller.json"
    controller.write_text(json.dumps(CONTROLLER))
    return {
        "quarantine show": ("import-1", "1"),
        "privacy consent show": ("user-4711",),
        "privacy consent history": ("user-4711",),
        "privacy consent receipt": ("user-4711", "--controller", str(controller), "--to", str(folder / "receipt")),
        "privacy identities show": ("user-4711",),
        "privacy identities conflicts": (),
        "privacy requests show": (request,),
        "privacy requests run": (request, "--by", "anna"),
        "privacy requests export": (link, "--to", str(folder / "package.zip")),
        "privacy osint due": ("--to", str(folder / "due.jsonl")),
        "privacy erasure plan": ("user-4711",),
        "privacy breaches mark": ("1", "--table", "raw.system_logs", "--by", "anna"),
        "privacy breaches notify": ("1", "--people", str(folder / "people.txt"), "--by", "anna"),
    }


def test_no_entry_no_data(
    platform: PlatformResource, database: Database, tmp_path: Path, lethe: Callable[..., tuple[int, str]]
) -> None:
    opened = platform.open()
    with database.connect(ADMIN) as conn:
        store(conn, [event(n, {"n": VALUE}, user_id="user-4711" if n == 0 else f"other-{n}") for n in range(100)])
        conn.execute(
            "insert into raw.quarantine (import_id, record_no, source, file, code, sealed, quarantined_at) "
            "values ('import-1', 1, 'web', 'f', 'bad', %s, now())",
            (opened.vault.seal(b"json\n" + json.dumps({"user_id": VALUE}).encode(), associated_data("import-1", 1)),),
        )
    lethe("privacy", "breaches", "open", "lost laptop", "--by", "anna")
    lethe("privacy", "breaches", "mark", "1", "--table", "raw.system_logs", "--by", "anna")
    first = lethe("privacy", "requests", "open", "access", "user-4711", *WHY)[1].split()[0]
    lethe("privacy", "requests", "verify-identity", first, "--attest", "seen", "--by", "ben")
    link = lethe("privacy", "requests", "run", first, "--by", "anna")[1].split()[-1]
    second = lethe("privacy", "requests", "open", "export", "user-4711", *WHY)[1].split()[0]
    lethe("privacy", "requests", "verify-identity", second, "--attest", "seen", "--by", "ben")
    # After the assessment: a ledger of one person alone would make the requests large.
    lethe("privacy", "consent", "grant", "user-4711", "analytics", *WHY)
    every = commands(second, link, tmp_path)
    assert set(every) == READS_PEOPLE
    assert lethe("privacy", "consent", "show", "user-4711")[0] == cli.DONE
    assert looks(database)[-1][:2] == (account(), "privacy consent show")
    known = {path for path in tmp_path.rglob("*") if "exports" not in path.parts}
    refuse_entries(database)
    for name, arguments in every.items():
        code, said = lethe(*name.split(), *arguments)
        assert code != cli.DONE, name
        assert VALUE not in said, name
        assert "analytics" not in said, name
        assert "100" not in said, name
    assert {path.name for path in tmp_path.rglob("*") if "exports" not in path.parts} == {path.name for path in known}
