"""The package: one zip file of mode 0600, written in one pass, with a signed manifest; and the check of one."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from privacy import signing
from privacy.errors import InvalidSignatureError
from privacy.exports import as_csv, as_html, as_json, as_xml
from privacy.exports.ahead import ahead
from privacy.exports.contents import Contents, about

MANIFEST = "manifest.json"
FASTEST = 1  # rows repeat their keys: the fastest level already takes away nine tenths
READ_BYTES = 1 << 20
Chunks = Iterable[bytes | memoryview]
Sign = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(slots=True)
class _Archive:
    """An open zip file and the files written to it so far."""

    zip: zipfile.ZipFile
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, chunks: Chunks, *, is_packed: bool = False) -> None:
        """Write one file from chunks; what is packed already is stored as it is."""
        digest, n_bytes = hashlib.sha256(), 0
        entry: str | zipfile.ZipInfo = zipfile.ZipInfo(name) if is_packed else name
        with self.zip.open(entry, "w", force_zip64=True) as file:
            for chunk in ahead(chunks):
                digest.update(chunk)
                n_bytes += file.write(chunk)
        self.files.append({"path": name, "sha256": digest.hexdigest(), "n_bytes": n_bytes})


def write(path: Path, contents: Contents, sign: Sign) -> None:
    """Write the package of an export to a new file of mode 0600."""
    with _created(path) as archive:
        archive.add("data.json", as_json.document(contents))
        archive.add("data.xml", as_xml.document(contents))
        for table in contents.tables:
            archive.add(f"csv/{table.name}.csv", as_csv.table_file(table))
            archive.add(f"parquet/{table.name}.parquet", _chunks(table.path), is_packed=True)
        for name, chunks in as_html.pages(contents):
            archive.add(f"html/{name}", chunks)
        manifest = sign({**about(contents), "files": archive.files})
        archive.add(MANIFEST, [json.dumps(manifest, indent=1, ensure_ascii=False).encode()])


def faults(path: Path) -> dict[str, int]:
    """What is wrong with a package, by place: files that are missing, changed or not listed; 0 everywhere when whole.

    Reads every byte. A manifest that is absent or whose signature does not verify counts as a fault of its own.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if MANIFEST not in names:
            return {MANIFEST: 1}
        manifest = json.loads(archive.read(MANIFEST))
        listed = {item["path"]: item["sha256"] for item in manifest["files"]}
        changed = [name for name, known in listed.items() if name not in names or _digest(archive, name) != known]
    return {
        MANIFEST: int(not _is_signed(manifest)),
        "files": len(changed),
        "unlisted": len(names - set(listed) - {MANIFEST}),
    }


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _created(path: Path) -> Iterator[_Archive]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=FASTEST) as opened,
    ):
        yield _Archive(opened)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            yield chunk


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
    except zipfile.BadZipFile:  # its own checksum fails already
        return ""
    return digest.hexdigest()


def _is_signed(manifest: Mapping[str, Any]) -> bool:
    try:
        signing.verify(manifest)
    except InvalidSignatureError:
        return False
    return True
