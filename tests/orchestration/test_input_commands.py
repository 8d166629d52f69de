"""Commands that take input, from arguments to the database: the basis of a file, quarantine, classification."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from collection.errors import TruncatedFileError
from collection.mapping import load_mapping
from orchestration import cli, intake
from orchestration.platform import Platform, PlatformResource

MAPPING = """
source: shop
fields:
  id: id
  user_id: user
  event_type: {constant: order}
  event_source: {constant: web}
  action: {constant: paid}
  created_at: {timestamp: at}
  data_classification: {constant: pseudonymized}
  retention_policy: {constant: medium_term}
classification:
  - {event_type: order, path: /data/colour, class: non_personal, kind: category, steward: ana, reason: a product's}
"""
LINE = '{"id": "%s", "user": "u%s", "at": "2026-11-01T10:00:00Z", "colour": "red"}\n'
pytestmark = pytest.mark.integration


@pytest.fixture
def lethe(platform: PlatformResource, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """A command in this process: its exit code, and all that it printed."""

    def run(*arguments: object) -> tuple[int, str]:
        code = cli.main([*map(str, arguments), "--home", str(platform.home)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING)
    return path


def rows(opened: Platform, query: str) -> list[tuple[object, ...]]:
    with opened.database.connect("privacy") as conn:
        return conn.execute(query.encode()).fetchall()


LEDGER = "select subject, purpose, decision, method, reason, source from consent.consent_events order by 1, 2"


def test_a_file_without_a_basis_is_wrong_input(
    lethe: Callable[..., tuple[int, str]], platform: PlatformResource, mapping: Path, tmp_path: Path
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(LINE % (1, 1))
    code, text = lethe("run", file, "--mapping", mapping)
    assert (code, "--assume-consent" in text, "1 refused" in text) == (cli.USAGE, True, True)
    code, text = lethe("run", file, "--mapping", mapping, "--assume-consent", "analytics")
    assert (code, '--reason "..."' in text) == (cli.USAGE, True)
    code, text = lethe("run", file, "--mapping", mapping, "--assume-consent", "fun", "--reason", "they like it")
    assert (code, "there is no purpose fun" in text) == (cli.USAGE, True)
    opened = platform.open()
    assert rows(opened, LEDGER) == [], "a refusal vouches for nobody"


def test_a_stated_basis_is_imported_evidence_in_the_ledger(
    platform: PlatformResource, mapping: Path, tmp_path: Path
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(LINE % (1, 1) + LINE % (2, 2))
    opened, read = platform.open(), load_mapping(mapping)
    basis = intake.basis_of(read, "analytics, sharing", "they signed in March")
    for _ in range(2):  # again: said once
        assert intake.take_in_files(opened, [file], read, basis).n_stored in (2, 0)
    said = [row[:5] for row in rows(opened, LEDGER)]
    assert said == [
        (user, purpose, "grant", "import", "they signed in March")
        for user in ("u1", "u2") for purpose in ("analytics", "sharing")
    ]  # fmt: skip


def test_a_refused_file_leaves_no_ruling_behind(platform: PlatformResource, mapping: Path, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl.gz"
    file.write_bytes(gzip.compress("".join(LINE % (n, n) for n in range(2_000)).encode())[:-400])
    opened, read = platform.open(), load_mapping(mapping)
    with pytest.raises(TruncatedFileError):
        intake.take_in_files(opened, [file], read, intake.basis_of(read, "analytics", "they signed"))
    assert rows(opened, "select path from privacy.classification_rules where event_type = 'order'") == []


def test_quarantine_is_replayed_once_under_a_corrected_mapping(
    lethe: Callable[..., tuple[int, str]], platform: PlatformResource, mapping: Path, tmp_path: Path
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(LINE % (1, 1) + '{"id": "2", "user": "u2", "when": "2026-11-01T11:00:00Z"}\n')
    opened, read = platform.open(), load_mapping(mapping)
    report = intake.take_in_files(opened, [file], read, intake.basis_of(read, "analytics", "they signed"))
    assert (report.n_stored, report.n_quarantined) == (1, 1)
    code, text = lethe("quarantine", "list")
    assert (code, "1 records wait in quarantine" in text, "u2" in text) == (cli.DONE, True, False)
    mapping.write_text(MAPPING.replace("{timestamp: at}", "{timestamp: when}"))
    basis = ("--assume-consent", "analytics", "--reason", "they signed")
    replayed = [json.loads(lethe("quarantine", "replay", "--mapping", mapping, *basis)[1]) for _ in range(2)]
    assert [found["n_stored"] for found in replayed] == [1, 0]
    assert rows(opened, "select count(*) from raw.system_logs") == [(2,)]
    assert "0 records wait" in lethe("quarantine", "list")[1]


def test_a_path_is_confirmed_or_rejected_by_a_named_steward(
    lethe: Callable[..., tuple[int, str]], platform: PlatformResource
) -> None:
    code, text = lethe("classify", "--confirm", "order", "/data/note")
    assert (code, "--confirm needs --class, --kind, --steward, --reason" in text) == (cli.USAGE, True)
    code, text = lethe("classify", "--reject", "order", "/data/note", "--steward", "ana")
    assert (code, "--reject needs --reason" in text) == (cli.USAGE, True)
    who = ("--steward", "ana", "--reason", "looked at it")
    assert lethe("classify", "--reject", "order", "/data/note", *who)[0] == cli.DONE
    ruled = ("--class", "non_personal", "--kind", "category")
    assert lethe("classify", "--confirm", "order", "/data/colour", *ruled, *who)[0] == cli.DONE
    ruled_on = "select path, steward from privacy.classification_rules where event_type = 'order' order by 1"
    assert rows(platform.open(), ruled_on) == [("/data/colour", "ana"), ("/data/note", "ana")]
    assert lethe("classify", "--json")[0] == cli.DONE
