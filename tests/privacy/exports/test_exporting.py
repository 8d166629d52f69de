"""A person's package from the real database: all of theirs and none of others', whole, private, and gone in time."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from privacy import signing
from privacy.consent import Decision, record_decisions
from privacy.erasure.sealed import associated_data
from privacy.exports import archive, links, store
from privacy.exports.errors import (
    ChangedPackageError,
    ExpiredLinkError,
    MissingPackageError,
    TamperedLinkError,
    UsedLinkError,
)
from privacy.exports.exporting import Exporter
from privacy.exports.links import KEY_PURPOSE
from privacy.exports.spool import spool_query
from privacy.exports.store import Package
from privacy.merging import merge
from privacy.osint.findings import Finding
from privacy.osint.importing import seal
from privacy.pseudonyms import subject_tokens
from privacy.requests.desk import Desk, blinded
from privacy.requests.kinds import Kind, Task
from privacy.vault import Vault
from privacy.vault.payloads import seal_paths
from tests.privacy.events import START, event
from tests.privacy.events import store as store_events
from tests.privacy.exports.readers import READERS, declared
from tests.privacy.looks import refuse_entries
from warehouse.database import ADMIN, Database
from warehouse.subjects import SUBJECT_TABLES

pytestmark = pytest.mark.integration
SUBJECT, OTHER = "zoë-4711", "other-0815"
NOW = datetime(2024, 6, 1, tzinfo=UTC)
NASTY = 'line\r\nbreak, "quote" \\ tab\t </td> & ﾠ\x01 \ufffe'


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def exporter(database: Database, vault: Vault, tmp_path: Path) -> Iterator[Exporter]:
    fill(database, vault)
    with database.connect("erasure") as conn:
        yield Exporter(conn, vault, tmp_path, {"models": lambda _: [{"model": "churn", "version": 2}]})


def fill(database: Database, vault: Vault) -> None:
    """Two people with events, decisions, predictions and a request each."""
    with database.connect(ADMIN) as conn:
        rows = [
            event(n, {"text": NASTY, "n": 2**70}, user_id=(SUBJECT, OTHER)[n % 2], component=NASTY) for n in range(6)
        ]
        store_events(conn, rows)
        for who in (SUBJECT, OTHER):
            token = subject_tokens([who], vault.salts([who]), vault.purpose_key("pseudonymous"))[who]
            conn.execute(
                "insert into ml.predictions values ('churn', 2, '2024-05-06', %s, 0.25, 'published', %s)", (token, NOW)
            )
            (sealed,) = seal(vault, [Finding(who, "profile", json.dumps(who).encode(), NOW)], {who: token})
            conn.execute(
                "insert into privacy.osint_findings values (%s, 'github', 'profile', %s, %s, %s, 'anna', %s)",
                (token, sealed, NOW, NOW, NOW),
            )
    with database.connect("collection") as conn:
        own = [json.dumps({"user_id": SUBJECT, "data": [1]}), f"id,user_id\n1,{SUBJECT}"]
        others = [json.dumps({"user_id": "another", "data": {"invited": SUBJECT}}), json.dumps({"user_id": "another"})]
        for number, record in enumerate((*own, *others), 1):
            sealed = vault.seal(b"json\n" + record.encode(), associated_data("import-1", number))
            conn.execute(
                "insert into raw.quarantine (import_id, record_no, source, file, code, sealed, quarantined_at) "
                "values ('import-1', %s, 'web', 'f', 'bad', %s, %s)",
                (number, sealed, NOW),
            )
    with database.connect("privacy") as conn:
        for who in (SUBJECT, OTHER):
            record_decisions(conn, [Decision(who, "analytics", "grant", START, START, "portal", "accept")])
            Desk(conn, vault, lambda: NOW).open(Kind.ACCESS, who, by="anna", reason="asked by mail")


def exported(exporter: Exporter, request_id: str = "req-1") -> tuple[Package, Path]:
    package = exporter.export(Task(request_id, Kind.ACCESS, SUBJECT, NOW))
    return package, store.path_of(store.folder_of(exporter.home), package.export_id)


def test_everything_of_one_person_and_nothing_of_another(exporter: Exporter) -> None:
    package, path = exported(exporter)
    with zipfile.ZipFile(path) as opened:
        types = declared(opened)
        found = {name: read(opened, types) for name, read in READERS.items()}
        everything = b"".join(opened.read(name) for name in opened.namelist())
    assert all(tables == found["json"] for tables in found.values())
    tables = found["json"]
    counts = {name: len(rows) for name, rows in tables.items() if rows}
    assert counts == {
        "raw.system_logs": 3,
        "consent.consent_events": 1,
        "consent.consent_settings": 1,
        "ml.predictions": 1,
        "ml.published_predictions": 1,
        "privacy.osint_findings": 1,
        "privacy.privacy_requests": 1,
        "privacy.request_events": 1,
        "models": 1,
        "quarantine": 2,
    }
    assert package.n_rows == sum(counts.values())
    assert tables["raw.system_logs"][0]["component"] == NASTY
    assert tables["raw.system_logs"][0]["data"] == {"text": NASTY, "n": 2**70}
    assert json.loads(str(tables["privacy.osint_findings"][0]["finding"])) == SUBJECT
    assert OTHER.encode() not in everything
    assert tables["ml.predictions"][0]["probability"] == "0.25"
    assert [str(row["record_no"]) for row in tables["quarantine"]] == ["1", "2"]
    assert json.loads(tables["quarantine"][0]["record"])["data"] == [1]


def test_a_package_holds_every_id_of_the_person(exporter: Exporter, database: Database) -> None:
    with database.connect("privacy") as conn:
        merge(conn, [(OTHER, SUBJECT)], by="anna", reason="asked by mail", at=NOW)
    _, path = exported(exporter)
    with zipfile.ZipFile(path) as opened:
        tables = json.loads(opened.read("data.json"))["tables"]
    counts = {name: len(rows) for name, rows in tables.items() if rows}
    assert counts.pop("models") == 2  # asked about both ids
    assert counts == {
        "raw.system_logs": 6, "consent.consent_events": 2, "consent.consent_settings": 2, "ml.predictions": 2,
        "ml.published_predictions": 2, "privacy.privacy_requests": 2, "privacy.request_events": 2,
        "privacy.identity_merges": 1, "privacy.osint_findings": 2, "quarantine": 2,
    }  # fmt: skip


def test_who_looked_is_told_and_nobody_is_handed_what_is_not_logged(exporter: Exporter, database: Database) -> None:
    package, path = exported(exporter)
    link = links.issue(exporter.conn, exporter.vault.purpose_key(KEY_PURPOSE), package, os.urandom)
    links.redeem(exporter.conn, exporter.vault, link, path.parent, now=NOW)
    _, later = exported(exporter, "req-2")
    with zipfile.ZipFile(later) as opened:
        looks = json.loads(opened.read("data.json"))["tables"]["privacy.access_log"]
    assert [(row["actor"], row["command"]) for row in looks] == [
        ("not said", "requests run (access)"),
        ("whoever held the link", "privacy.exports.links.redeem"),
    ]
    assert "blinded_subject" not in looks[0]
    known = sorted(path.parent.iterdir())
    link = links.issue(exporter.conn, exporter.vault.purpose_key(KEY_PURPOSE), package, os.urandom)
    refuse_entries(database)
    with pytest.raises(psycopg.errors.RaiseException):
        links.redeem(exporter.conn, exporter.vault, link, path.parent, now=NOW)
    exporter.conn.rollback()
    with pytest.raises(psycopg.errors.RaiseException):
        exported(exporter, "req-3")
    assert sorted(path.parent.iterdir()) == known


def test_what_is_not_there_is_said(exporter: Exporter) -> None:
    _, path = exported(exporter)
    with zipfile.ZipFile(path) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        index = opened.read("html/index.html").decode()
    signing.verify(manifest)
    listed = {table["name"] for table in manifest["tables"]} | set(manifest["not_made_yet"])
    explained = {item["about"] for item in manifest["not_known"]}
    assert {table.table for table in SUBJECT_TABLES} <= listed | explained | {"ml.training_subjects"}
    assert "features.ftr_user_weekly" in manifest["not_made_yet"]
    assert "quarantine" in explained
    assert "1 records that could not be read on arrival hold your id" in index
    columns = {t["name"]: [c["name"] for c in t["columns"]] for t in manifest["tables"]}["privacy.privacy_requests"]
    assert not {"sealed", "code_hash"} & set(columns)


def test_the_package_is_private_and_nothing_else_stays(exporter: Exporter) -> None:
    _, path = exported(exporter)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_export_leaves_nothing_for_ever(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.folder_of(exporter.home)
    (folder / ".draft-exp-0").mkdir()
    (folder / ".draft-exp-0" / "raw.parquet").write_bytes(b"rows")
    (folder / "exp-unlisted.zip").write_bytes(b"rows")
    assert store.expire(exporter.conn, folder, now=datetime.now(UTC)) == []  # perhaps somebody's at this moment
    old = (NOW - timedelta(days=400)).timestamp()
    for path in folder.iterdir():
        os.utime(path, (old, old))
    assert store.expire(exporter.conn, folder, now=NOW) == [".draft-exp-0", "exp-unlisted.zip"]

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(archive, "write", broken)
    with pytest.raises(OSError, match="disk full"):
        exported(exporter)
    assert list(folder.iterdir()) == []


def linked(exporter: Exporter) -> tuple[bytes, str, Package, Path]:
    package, path = exported(exporter)
    key = exporter.vault.purpose_key(KEY_PURPOSE)
    return key, links.issue(exporter.conn, key, package, os.urandom), package, path


def test_a_link_works_once_and_until_it_expires(exporter: Exporter) -> None:
    key, link, package, path = linked(exporter)
    last = NOW + timedelta(days=7) - timedelta(seconds=1)
    assert package.expires_at == NOW + timedelta(days=7)
    for late in (last + timedelta(seconds=1), last + timedelta(days=9)):
        with pytest.raises(ExpiredLinkError):
            links.redeem(exporter.conn, exporter.vault, link, path.parent, now=late)
    assert links.redeem(exporter.conn, exporter.vault, link, path.parent, now=last) == path
    with pytest.raises(UsedLinkError):
        links.redeem(exporter.conn, exporter.vault, link, path.parent, now=last)
    newer = links.issue(exporter.conn, key, package, os.urandom)
    with pytest.raises(UsedLinkError, match="newer"):
        links.redeem(exporter.conn, exporter.vault, link, path.parent, now=last)
    assert links.redeem(exporter.conn, exporter.vault, newer, path.parent, now=last) == path


def test_every_changed_link_is_refused(exporter: Exporter) -> None:
    _, link, _, path = linked(exporter)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = [link[:i] + alphabet[(alphabet.index(c) + 1) % 64] + link[i + 1 :] for i, c in enumerate(link)]
    for text in (*changed, "", link[:-1], link + "A", link + "=", " " + link, "é", "A" * 80):
        with pytest.raises(TamperedLinkError):
            links.redeem(exporter.conn, exporter.vault, text, path.parent, now=NOW)
    with pytest.raises(TamperedLinkError):
        links.redeem(exporter.conn, Vault.open(exporter.home / "another"), link, path.parent, now=NOW)
    assert links.redeem(exporter.conn, exporter.vault, link, path.parent, now=NOW) == path


def test_a_changed_or_removed_package_is_refused(exporter: Exporter) -> None:
    _, link, package, path = linked(exporter)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(ChangedPackageError):
        links.redeem(exporter.conn, exporter.vault, link, path.parent, now=NOW)
    path.write_bytes(content)
    assert store.expire(exporter.conn, path.parent, now=package.expires_at - timedelta(seconds=1)) == []
    assert store.expire(exporter.conn, path.parent, now=package.expires_at) == [package.export_id]
    assert not path.exists()
    with pytest.raises(MissingPackageError):
        links.redeem(exporter.conn, exporter.vault, link, path.parent, now=NOW)


def test_a_persons_packages_can_be_found_and_removed(exporter: Exporter) -> None:
    first, path = exported(exporter)
    code = blinded(exporter.vault, SUBJECT)
    assert [package.export_id for package in store.of_subject(exporter.conn, code)] == [first.export_id]
    assert store.of_subject(exporter.conn, blinded(exporter.vault, OTHER)) == []
    assert store.remove_of_subject(exporter.conn, path.parent, code, now=NOW) == [first.export_id]
    assert store.remove_of_subject(exporter.conn, path.parent, code, now=NOW) == []
    assert not path.exists()


def damaged(path: Path, name: str, content: bytes) -> None:
    """The same package with one file replaced or added."""
    with zipfile.ZipFile(path) as opened:
        kept = {item: opened.read(item) for item in opened.namelist()}
    with zipfile.ZipFile(path, "w") as opened:
        for item, old in (kept | {name: content}).items():
            opened.writestr(item, old)


@pytest.mark.parametrize(
    ("name", "place"), [("data.json", "files"), ("more.txt", "unlisted"), ("manifest.json", "manifest.json")]
)
def test_a_package_that_is_not_whole_is_not_complete(exporter: Exporter, name: str, place: str) -> None:
    task = Task("req-1", Kind.EXPORT, SUBJECT, NOW)
    evidence = dict(exporter.carry_out(task))
    assert exporter.measure(task, evidence).survivors == {"package": 0, "manifest.json": 0, "files": 0, "unlisted": 0}
    path = store.path_of(store.folder_of(exporter.home), evidence["export_id"])
    with zipfile.ZipFile(path) as opened:
        manifest = json.loads(opened.read("manifest.json")) | {"n_rows": 1}
    damaged(path, name, json.dumps(manifest).encode())
    assert exporter.measure(task, evidence).survivors == {"package": 1}
    assert archive.faults(path)[place] == 1
    again = exporter.carry_out(task)
    assert exporter.measure(task, again).n_survivors == 0
    assert [p.export_id for p in store.of_request(exporter.conn, "req-1")] == [again["export_id"]]


def test_sealed_texts_are_opened_for_their_person_while_the_key_lives(exporter: Exporter, database: Database) -> None:
    keys = exporter.vault.data_keys([SUBJECT])
    payload = pa.array(['{"n": 1, "prompt": "my plan", "messages": [{"content": "hello"}]}'])
    paths = ["/data/prompt", "/data/messages/*/content"]
    (sealed,) = seal_paths(payload, pa.array([SUBJECT]), paths, keys).to_pylist()
    assert "plan" not in sealed
    with database.connect(ADMIN) as conn:
        store_events(conn, [event(50, json.loads(sealed), user_id=SUBJECT, event_type="ai.request")])
    for text, content in (("my plan", "hello"), (None, None)):
        _, path = exported(exporter)
        with zipfile.ZipFile(path) as opened:
            (row,) = [r for r in READERS["json"](opened, declared(opened))["raw.system_logs"] if r["id"] == "e50"]
        assert row["data"] == {"n": 1, "prompt": text, "messages": [{"content": content}]}
        exporter.vault.forget([SUBJECT])


def test_an_export_reads_one_moment(exporter: Exporter, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that arrives between two tables is in neither."""

    def arriving(conn: psycopg.Connection, *rest: object) -> object:
        with database.connect("privacy") as other:
            later = START + timedelta(seconds=arrivals.pop())
            record_decisions(other, [Decision(SUBJECT, "sharing", "grant", later, later, "portal", "accept")])
        return spool_query(conn, *rest)  # type: ignore[arg-type]

    arrivals = list(range(100))
    monkeypatch.setattr("privacy.exports.exporting.spool_query", arriving)
    _, path = exported(exporter)
    with zipfile.ZipFile(path) as opened:
        assert len(READERS["json"](opened, declared(opened))["consent.consent_events"]) == 1
