"""Links to packages: signed under a key of the vault, good for one use until their time is over. No web server here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from privacy import access_log
from privacy.access_log import Reader
from privacy.exports import store
from privacy.exports.archive import file_digest
from privacy.exports.errors import (
    ChangedPackageError,
    ExpiredLinkError,
    MissingPackageError,
    TamperedLinkError,
    UsedLinkError,
)
from privacy.exports.store import Package

if TYPE_CHECKING:
    from privacy.signing import PurposeKeys

KEY_PURPOSE = "export-links"
HOLDER = Reader("whoever held the link", "to have what is held on them", "privacy.exports.links.redeem")
LINK_BYTES = 16
MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: which package, which of its links, until when (seconds since 1970)."""

    export_id: str
    link_id: str
    expires: int


def issue(conn: psycopg.Connection, key: bytes, package: Package, random_bytes: Callable[[int], bytes]) -> str:
    """A new link to a package, in place of an earlier one; it ends when the package does. Only its id is stored."""
    link = Link(package.export_id, random_bytes(LINK_BYTES).hex(), int(package.expires_at.timestamp()))
    with conn.transaction():
        conn.execute(
            "update privacy.exports set link_id = %s, link_used_at = null where export_id = %s and removed_at is null",
            (link.link_id, link.export_id),
        )
    conn.commit()
    return written(key, link)


def written(key: bytes, link: Link) -> str:
    """The link as text: what it says and an HMAC-SHA256 over it, both in URL-safe base64."""
    said = json.dumps([link.export_id, link.link_id, link.expires], separators=(",", ":")).encode()
    return _encoded(said + hmac.digest(key, said, hashlib.sha256))


def read(key: bytes, text: str, *, now: datetime) -> Link:
    """What a link says. Raises TamperedLinkError or ExpiredLinkError; a link that ends now has ended."""
    content = _decoded(text)
    said, mac = content[:-MAC_BYTES], content[-MAC_BYTES:]
    if not hmac.compare_digest(hmac.digest(key, said, hashlib.sha256), mac):
        raise TamperedLinkError("the link was not made by this vault or was changed; ask for a new one")
    link = Link(*json.loads(said))
    if now.timestamp() >= link.expires:
        raise ExpiredLinkError("the link has expired and its package is removed; ask for a new export")
    return link


def redeem(
    conn: psycopg.Connection, keys: PurposeKeys, text: str, folder: Path, *, now: datetime, reader: Reader = HOLDER
) -> Path:
    """Use a link up and return the file of its package, whose digest is checked first; the access log keeps by whom.

    Of two who use it at the same time one gets UsedLinkError; only a link that leads to a whole package is used up.
    Raises TamperedLinkError, ExpiredLinkError, UsedLinkError, MissingPackageError or ChangedPackageError.
    """
    link = read(keys.purpose_key(KEY_PURPOSE), text, now=now)
    found = store.find(conn, "export_id = %s", link.export_id)
    conn.commit()
    path = store.path_of(folder, link.export_id)
    if not found or found[0].removed_at is not None or not path.exists():
        raise MissingPackageError(f"the package of {link.export_id} is removed; ask for a new export")
    if file_digest(path) != found[0].sha256:
        raise ChangedPackageError(f"the package of {link.export_id} is not the one that was made; make a new export")
    with conn.transaction():
        used = conn.execute(
            "update privacy.exports set link_used_at = %s "
            "where export_id = %s and link_id = %s and link_used_at is null and removed_at is null returning 1",
            (now, link.export_id, link.link_id),
        ).fetchone()
        if used:
            access_log.record(
                conn, keys, reader, at=now, place=f"package {link.export_id}", n_rows=found[0].n_rows,
                subject=found[0].blinded_subject,
            )  # fmt: skip
    conn.commit()
    if not used:
        raise UsedLinkError("the link was used before or a newer one took its place; ask for a new one")
    return path


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    """The bytes of a link; the last character must be spelled as we spell it, for base64 has several ways."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) <= MAC_BYTES or _encoded(content) != text:
        raise TamperedLinkError("this is no link to an export; copy it whole, from its first to its last character")
    return content
