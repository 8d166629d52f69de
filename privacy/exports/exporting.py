"""Makes the package of a person: read once under one snapshot, write every format, list it. An effect of requests."""

from __future__ import annotations

import secrets as randomness
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from privacy import access_log, signing
from privacy.access_log import Reader
from privacy.erasure.sealed import of_person
from privacy.exports import archive, store
from privacy.exports.columns import Column
from privacy.exports.contents import Contents
from privacy.exports.held import events_of, held, missing_keys
from privacy.exports.spool import Spooled, spool_query, spool_rows
from privacy.exports.store import Package
from privacy.identities import every_id
from privacy.osint.holdings import TABLE as FINDINGS
from privacy.osint.holdings import of_person as findings_of
from privacy.pseudonyms import PSEUDONYMOUS, subject_tokens
from privacy.requests.desk import blinded
from privacy.requests.effects import Evidence, Measurement
from privacy.requests.kinds import Task

if TYPE_CHECKING:
    from privacy.vault import Vault

Tell = Callable[[str], Iterable[Mapping[str, Any]]]  # rows about a subject
UNKNOWN = {
    "models": "Which models learned from your data was not looked up for this export.",
}


MENTIONS = "{} records that could not be read on arrival hold your id; nobody can tell whose they are. Ask for them."
FINDING_COLUMNS = (
    Column("source", "text"), Column("kind", "text"), Column("finding", "text"), Column("found_at", "timestamp"),
    Column("refreshed_at", "timestamp"),
)  # fmt: skip
BY_CODE = ("privacy.privacy_requests", "privacy.exports", "privacy.access_log")


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exports of one home. conn is of the role `erasure`, the only one that may read a person in every stage.

    tell: what no table says by itself, by name (models); what is not told is noted as unknown.
    """

    conn: psycopg.Connection
    vault: Vault
    home: Path
    tell: Mapping[str, Tell] = field(default_factory=dict)
    random_bytes: Callable[[int], bytes] = randomness.token_bytes

    def carry_out(self, task: Task) -> Evidence:
        """Make the package; one that an earlier try of the same request left is removed first."""
        folder = store.folder_of(self.home)
        store.remove(self.conn, folder, store.of_request(self.conn, task.request_id), now=task.at)
        package = self.export(task)
        return {"export_id": package.export_id, "n_rows": package.n_rows, "sha256": package.sha256}

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        """Read every byte of the package back against its manifest and the digest that is listed."""
        del task
        path = store.path_of(store.folder_of(self.home), evidence["export_id"])
        changed = int(not path.exists() or archive.file_digest(path) != evidence["sha256"])
        return Measurement({"package": changed, **({} if changed else archive.faults(path))}, is_proven=True)

    def export(self, task: Task) -> Package:
        """Everything held on the task's person, as a package that is listed and has no link yet."""
        export_id = f"exp-{self.random_bytes(8).hex()}"
        folder = store.folder_of(self.home)
        path = store.path_of(folder, export_id)
        with _draft(folder, export_id) as draft:
            contents = self._contents(task, export_id, draft)
            archive.write(draft / path.name, contents, lambda document: signing.sign(document, self.vault))
            package = self._package(task, export_id, draft / path.name, contents.n_rows)
            with self.conn.transaction():
                reader = Reader(task.by, f"request {task.request_id}", f"requests run ({task.kind})")
                access_log.record(
                    self.conn, self.vault, reader, at=task.at, place="everything held on the person",
                    n_rows=contents.n_rows, subject=task.subject,
                )  # fmt: skip
                store.insert(self.conn, package)
                (draft / path.name).rename(path)
            self.conn.commit()
        return package

    def _contents(self, task: Task, export_id: str, draft: Path) -> Contents:
        with _snapshot(self.conn):
            ids = every_id(self.conn, [task.subject])
            keys = keys_of_ids(self.vault, ids)
            found, absent = held(self.conn, keys)
            queries = [*(one for one in found if one.name != FINDINGS), events_of(self.conn, keys[BY_CODE[0]])]
            findings = findings_of(self.conn, self.vault, ids)
            tables = [spool_query(self.conn, query, draft, self.vault) for query in queries]
            of_ids = [of_person(self.conn, self.vault, name) for name in ids]
        refused, n_mentions = [row for own, _ in of_ids for row in own], sum(n for _, n in of_ids)
        tables += [*self._told(ids, draft), spool_rows("quarantine", refused, draft)]
        tables.append(spool_rows(FINDINGS, findings, draft, FINDING_COLUMNS))
        notices = {name: text for name, text in UNKNOWN.items() if name not in self.tell}
        if n_mentions:
            notices["quarantine"] = MENTIONS.format(n_mentions)
        for table in missing_keys(keys):
            if table != "ml.training_subjects":  # what it says is told as `models`
                notices[table] = f"{table} knows you by a code that this export has no key for; it was not read."
        return Contents(
            export_id, task.request_id, task.kind, task.subject, task.at, tuple(tables), tuple(absent), notices
        )

    def _told(self, ids: Sequence[str], draft: Path) -> list[Spooled]:
        return [
            spool_rows(name, (row for subject in ids for row in rows(subject)), draft)
            for name, rows in self.tell.items()
        ]

    def _package(self, task: Task, export_id: str, path: Path, n_rows: int) -> Package:
        return Package(
            export_id,
            task.request_id,
            blinded(self.vault, task.subject),
            archive.file_digest(path),
            path.stat().st_size,
            n_rows,
            task.at,
            task.at + store.VALID_FOR,
        )


def keys_of(vault: Vault, subject: str) -> dict[str, str | bytes]:
    """What a person is called: the id itself, the pseudonym, and the code of requests and exports."""
    salts = vault.salts([subject])
    token = subject_tokens([subject], salts, vault.purpose_key(PSEUDONYMOUS))[subject]
    code = blinded(vault, subject)
    return {"raw": subject, "keyed": token, **dict.fromkeys(BY_CODE, code)}


def keys_of_ids(vault: Vault, ids: Sequence[str]) -> dict[str, list[str | bytes]]:
    """keys_of for every id of one person."""
    each = [keys_of(vault, name) for name in ids]
    return {kind: [keys[kind] for keys in each] for kind in each[0]}


@contextmanager
def _draft(folder: Path, export_id: str) -> Iterator[Path]:
    """A private folder for what is not finished; removed in any case but a kill, after which `expire` removes it."""
    draft = folder / f"{store.DRAFT}{export_id}"
    draft.mkdir(mode=0o700)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _snapshot(conn: psycopg.Connection) -> Iterator[None]:
    """All tables as of one moment, and nothing changed."""
    conn.rollback()
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read read only")
        yield
    conn.commit()
