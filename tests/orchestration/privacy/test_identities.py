"""Ids that a file states to be one person, and a steward's commands, in this process on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collection.mapping import parse_mapping
from orchestration import cli
from orchestration.intake import Basis, take_in_files
from orchestration.platform import PlatformResource
from orchestration.privacy.erasure import ledger_of
from privacy.erasure.ledger import OPENED
from privacy.identities import people_of

pytestmark = pytest.mark.integration
MAPPING = """
source: shop
fields:
  id: {hash: "*"}
  user_id: {first: [user, visitor]}
  event_type: {constant: page}
  action: {constant: view}
  created_at: {timestamp: at}
  data_classification: {constant: pseudonymized}
  retention_policy: {constant: short_term}
identity: {alias: visitor}
"""
SAID = [("ada", "v1"), (None, "v2"), ("ada", "v2"), ("bob", "v2"), ("ada", "gone"), ("bob", None)]
WHY = ("--by", "anna", "--reason", "two accounts")


def test_a_file_states_aliases_and_a_steward_decides_the_rest(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lethe(*arguments: str) -> tuple[int, str]:
        code = cli.main(["privacy", "identities", *arguments, "--home", platform.home])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    opened = platform.open()
    ledger = ledger_of(opened)
    ledger.append(OPENED, "e1", [ledger.blinder.text("gone")], opened.settings.now())
    file = tmp_path / "events.jsonl"
    rows = [{"user": user, "visitor": who, "at": f"2026-11-0{n + 1}T10:00:00Z"} for n, (user, who) in enumerate(SAID)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for _ in range(2):  # again, as after a kill
        take_in_files(opened, [file], parse_mapping(MAPPING), Basis(("analytics",), "test"))
    with opened.database.connect("privacy") as conn:
        assert people_of(conn, ["v1", "v2", "gone", "ada", "bob"]) == {"v1": "ada", "v2": "ada"}
        assert conn.execute("select count(*) from privacy.identity_merges").fetchone() == (3,)
    assert lethe("show", "v1") == (0, "ada\nv1\nv2\n")
    code, text = lethe("conflicts")
    assert (code, text.splitlines()[0].startswith("v2 -> bob  stated by shop")) == (0, True)
    code, text = lethe("merge", "gone", "ada", *WHY)
    assert (code, "was erased" in text) == (cli.USAGE, True)
    code, text = lethe("merge", "nobody", "ada", *WHY)
    assert (code, "unknown" in text) == (cli.USAGE, True)
    assert "2 days again" in lethe("merge", "bob", "ada", *WHY)[1]
    assert "nothing changed" in lethe("merge", "bob", "v1", *WHY)[1]
    assert lethe("conflicts")[1] == "0 wait for a steward\n"
