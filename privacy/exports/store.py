"""Packages as PostgreSQL knows them, and the folder they lie in. What is in one is the archive's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

VALID_FOR = timedelta(days=7)
LEFTOVER_AFTER = timedelta(days=1)  # a draft or unlisted package older than this is of a killed process
DRAFT = ".draft-"


@dataclass(frozen=True, slots=True)
class Package:
    """One package: made when, for which request, until when; removed_at is set once its file is gone."""

    export_id: str
    request_id: str
    blinded_subject: bytes
    sha256: str
    n_bytes: int
    n_rows: int
    created_at: datetime
    expires_at: datetime
    link_id: str | None = None
    link_used_at: datetime | None = None
    removed_at: datetime | None = None


COLUMNS = tuple(Package.__dataclass_fields__)


def folder_of(home: Path) -> Path:
    """Where packages lie (`<home>/exports`, 0700): a store of personal data, which erasure must search."""
    folder = home / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def path_of(folder: Path, export_id: str) -> Path:
    """The file of a package."""
    return folder / f"{export_id}.zip"


def insert(conn: psycopg.Connection, package: Package) -> None:
    """List a package, in the caller's transaction."""
    marks = ", ".join(["%s"] * len(COLUMNS))
    values = [getattr(package, name) for name in COLUMNS]
    conn.execute(f"insert into privacy.exports ({', '.join(COLUMNS)}) values ({marks})".encode(), values)


def find(conn: psycopg.Connection, condition: str, *values: object) -> list[Package]:
    """Packages that meet a condition of this package's own SQL, oldest first."""
    names = ", ".join(COLUMNS)
    query = f"select {names} from privacy.exports where {condition} order by created_at, export_id"
    return [Package(*row) for row in conn.execute(query.encode(), values)]


def of_request(conn: psycopg.Connection, request_id: str) -> list[Package]:
    """Packages of a request whose files are there."""
    return find(conn, "request_id = %s and removed_at is null", request_id)


def of_subject(conn: psycopg.Connection, blinded_subject: bytes) -> list[Package]:
    """Packages of a person whose files are there: what an erasure has to remove."""
    return find(conn, "blinded_subject = %s and removed_at is null", blinded_subject)


def remove(conn: psycopg.Connection, folder: Path, packages: list[Package], *, now: datetime) -> list[str]:
    """Remove the files, then say so in the table; returns the ids. Removing again changes nothing."""
    for package in packages:
        path_of(folder, package.export_id).unlink(missing_ok=True)
    removed = [package.export_id for package in packages]
    with conn.transaction():
        conn.execute(
            "update privacy.exports set removed_at = %s, link_id = null where export_id = any(%s)", (now, removed)
        )
    conn.commit()
    return removed


def remove_of_subject(conn: psycopg.Connection, folder: Path, blinded_subject: bytes, *, now: datetime) -> list[str]:
    """Remove every package of a person; returns their ids."""
    return remove(conn, folder, of_subject(conn, blinded_subject), now=now)


def expire(conn: psycopg.Connection, folder: Path, *, now: datetime) -> list[str]:
    """Remove packages whose time is over, and what killed processes left; returns the ids and names removed."""
    removed = remove(conn, folder, find(conn, "removed_at is null and expires_at <= %s", now), now=now)
    known = {path_of(folder, package.export_id).name for package in find(conn, "removed_at is null")}
    for path in sorted(folder.iterdir()):
        if path.name not in known and path.stat().st_mtime < (now - LEFTOVER_AFTER).timestamp():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed.append(path.name)
    conn.commit()
    return removed
