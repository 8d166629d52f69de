"""The search itself: it finds every form of a planted value in every kind of store, and nothing else."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canary import search, stores
from tests.canary.forms import Planted, forms
from tests.canary.search import Search
from warehouse.database import ADMIN, Database
from warehouse.roles import STAGES
from warehouse.subjects import SUBJECT_TABLES

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("canary")]

TOKEN = "Ada.Canary+9@example.com"
PLAIN = TOKEN.encode()
SEARCH = Search([Planted(TOKEN, "profile/data/email")])


def _in_base64(before: int) -> bytes:
    return base64.b64encode(b"x" * before + PLAIN + b"yz")


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.json", content)
    return out.getvalue()


def _tarred(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("inner")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _parquet(content: bytes) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"c": [content.decode("latin-1")] * 100}), out, compression="zstd")
    return out.getvalue()


def _zstd(content: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(content)


# Written by other means than forms.py, as a program would that leaks them.
WRITTEN: dict[str, bytes] = {
    "plain": b"to: " + PLAIN,
    "upper case": PLAIN.upper(),
    "url": quote(TOKEN, safe="").encode(),
    "form": urlencode({"q": TOKEN}).encode(),
    "json": json.dumps({"q": "\u00e9" + TOKEN}).encode(),
    "escaped json": "".join(f"\\u{ord(c):04X}" for c in TOKEN).encode(),
    "json in json": json.dumps("".join(f"\\u{ord(c):04x}" for c in TOKEN)).encode(),
    "hex": PLAIN.hex().upper().encode(),
    **{f"base64 at {n}": _in_base64(n) for n in range(6)},
    "base64 url": base64.urlsafe_b64encode(b"?" + PLAIN),
    "base64 lines": base64.encodebytes(b"x" * 47 + PLAIN),
    "base64 lines in json": json.dumps(base64.encodebytes(b"x" * 47 + PLAIN).decode()).encode(),
    "local part": b"user=ada.canary+9;",
    "numpy text": pickle.dumps(np.array([TOKEN])),
    "utf-16": TOKEN.encode("utf-16"),
    **{f"{name} hex": hashlib.new(name, PLAIN).hexdigest().encode() for name in ("md5", "sha1", "sha256", "sha512")},
    "sha256 of lower case": hashlib.sha256(PLAIN.lower()).hexdigest().upper().encode(),
    "sha256 shortened": hashlib.sha256(PLAIN).hexdigest()[:20].encode(),
    "sha256 base64": base64.b64encode(hashlib.sha256(PLAIN).digest()),
    "sha1 bytes": b"\0\1" + hashlib.sha1(PLAIN).digest(),  # noqa: S324 - what a leak would use
}
HARMLESS = {
    "masked": b"Ada***@***.***",
    "another": b"Ada.Canary+8@example.com",
    "keyed": hashlib.blake2b(PLAIN, key=b"k").hexdigest().encode(),
    "domain": b"@example.com",
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": _zstd,
    "zlib": zlib.compress,
    "zip": _zipped,
    "tar": _tarred,
    "parquet": _parquet,
    "zip in gzip": lambda content: gzip.compress(_zipped(content)),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_every_form_is_found(form: str) -> None:
    assert SEARCH.find(b"before " + WRITTEN[form] + b" after")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_not_the_value_is_not_found(text: str) -> None:
    assert not SEARCH.find(HARMLESS[text])


@pytest.mark.parametrize("packer", PACKERS)
def test_every_kind_of_file_is_opened(packer: str, tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file.bin").write_bytes(PACKERS[packer](b"x" * 5000 + PLAIN))
    found = SEARCH.over(stores.files(tmp_path))
    assert found.fields == {"profile/data/email"}
    assert all(store.startswith("file deep/er/file.bin") for store in found.stores)


def test_names_and_links_are_searched_and_what_is_left_out_is_not(tmp_path: Path) -> None:
    (tmp_path / f"{TOKEN}.txt").touch()
    (tmp_path / "link").symlink_to(f"/nowhere/{TOKEN}")
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "key").write_bytes(PLAIN)
    stores_hit = SEARCH.over(stores.files(tmp_path, (tmp_path / "vault",))).stores
    assert stores_hit == {f"path {TOKEN}.txt", "file link", f"file {TOKEN}.txt"} - {f"file {TOKEN}.txt"}


def test_what_cannot_be_opened_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "half.gz").write_bytes(gzip.compress(PLAIN + bytes(range(256)) * 3)[:-9])
    with pytest.raises(stores.UnreadableStoreError):
        list(stores.files(tmp_path))


def test_every_form_is_found_in_a_table(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        for number, written in enumerate(WRITTEN.values()):
            conn.execute(f"create table quality.planted_{number} (seen bytea)".encode())
            conn.execute(f"insert into quality.planted_{number} values (%s)".encode(), (zlib.compress(written),))
    found = SEARCH.over(stores.tables(database))
    assert found.stores == {f"table quality.planted_{number}.seen!zlib" for number in range(len(WRITTEN))}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into safe.exclusions values ('2026-01-01', 'unknown_path', 'ui', %s, 1)",
        "create table features.x as select jsonb_build_object('a', array[%s]) as data",
        "create materialized view marts.x as select %s::text as name",
        "create table mlflow.tags as select 'k' as key, %s as value",
        "create table dagster.event_logs as select %s::bytea as event",
        "create table ml.x as select md5(%s) as digest",
        "create table ml.x as select encode(sha256(%s::bytea), 'base64') as digest",
        "create table ml.x as select encode(repeat('x', 70)::bytea || %s::bytea, 'base64') as digest",
    ],
)
def test_every_schema_below_raw_is_searched(statement: str, database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute(statement.replace("%s", f"'{TOKEN}'").encode())
    assert SEARCH.over(stores.tables(database)).fields == {"profile/data/email"}


@pytest.mark.parametrize(
    "statement",
    [
        "create view marts.x as select 1 as a where '%s' <> 'b'",
        "comment on table safe.exclusions is 'like %s'",
        "create table marts.x (a text default '%s')",
        'create table marts."%s" (a int)',
        "create table marts.x (a text check (a <> '%s'))",
        "select lo_from_bytea(0, '%s'::bytea)",
        "create table safe.s as select '%s' as a from generate_series(1, 9); analyze safe.s; truncate safe.s",
    ],
)
def test_the_catalogue_is_searched(statement: str, database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute(statement.replace("%s", TOKEN).encode())
    assert SEARCH.over(stores.catalogue(database)).fields == {"profile/data/email"}


def test_a_digest_that_begins_like_an_archive_is_none() -> None:
    assert [name for _, name, _ in stores.unpacked("table", "t", b"x\x9cs\xcf\xc67\x82e" * 4)] == ["t"]


def test_identified_schemas_are_left_out_unless_asked_for(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute("create table consent.x as select %s as subject", (TOKEN,))
    assert not SEARCH.over(stores.tables(database)).hits
    assert SEARCH.over(stores.tables(database, stores.IDENTIFIED)).stores == {"table consent.x"}


def test_registers_that_name_people_are_known_with_a_reason_and_two_readers(database: Database) -> None:
    """No table below `raw` names people by their own id in silence, and no stage that computes can read one."""
    raw = {row.table for row in SUBJECT_TABLES if row.key == "raw"}
    assert {name for name in raw if name.split(".")[0] not in stores.IDENTIFIED} == set(stores.REGISTERS)
    assert all(reason.strip() for reason in stores.REGISTERS.values())
    for name in stores.REGISTERS:
        with database.connect(ADMIN) as conn:
            query = "select has_table_privilege(%s, %s, 'select')"
            asked = {stage: conn.execute(query, (database.role(stage), name)).fetchone() for stage in STAGES}
        assert {stage for stage, answer in asked.items() if answer == (True,)} == stores.READERS


def test_a_register_is_searched_apart_and_a_value_in_it_is_found(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute("insert into privacy.accounts (subject, last_seen_on) values (%s, '2026-01-01')", (TOKEN,))
        conn.execute("analyze privacy.accounts")
    assert not SEARCH.over(stores.tables(database)).hits
    assert not SEARCH.over(stores.catalogue(database)).hits
    assert SEARCH.over(stores.registers(database)).stores == {"table privacy.accounts"}


@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from(sorted(forms(TOKEN))))
def test_no_position_escapes(before: int, after: int, form: tuple[str, bytes]) -> None:
    chunk, search.CHUNK = search.CHUNK, 64
    try:
        assert SEARCH.find(b"=" * before + form[1] + b"=" * after)
    finally:
        search.CHUNK = chunk


def test_a_value_too_short_to_tell_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="under 8 bytes"):
        Search([Planted("Ada", "profile/data/name")])
