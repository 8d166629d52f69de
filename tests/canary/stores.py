"""Every byte below `raw`: tables, planner statistics, files and what is packed in them. It reads and judges nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from warehouse.database import ADMIN, Database

# Identified by design: the events as they came, and the ledger that says who agreed to what.
IDENTIFIED = ("raw", "consent")
# Registers of `privacy` that name people by the product's own id, why each must, and who alone may read them
# (docs/decisions/0010-registers-that-name-people.md). They are searched apart: ids, and nothing else.
REGISTERS = {
    "privacy.accounts": "when somebody was last seen: it outlives events, and who is silent is erased by their id",
    "privacy.identity_merges": "which ids are one person: raw events are read by it, and every id is erased with one",
    "privacy.legal_holds": "whose raw events and consent stay for a court",
}
READERS = frozenset({"privacy", "erasure"})
DEPTH = 6
LONGEST_DIGEST = 64  # bytes; a digest may begin like anything
Item = tuple[str, str, bytes]


class UnreadableStoreError(AssertionError):
    """Something that looks packed and cannot be unpacked, so that nobody knows what it holds."""


def tables(database: Database, schemas: tuple[str, ...] | None = None) -> Iterator[Item]:
    """Every table and materialised view, as text and, where binary, unpacked.

    Of the schemas named; otherwise of all but the identified ones and the registers that name people.
    """
    if schemas is not None:
        return _tables(database, lambda schema, _: schema in schemas)
    return _tables(database, lambda schema, name: schema not in IDENTIFIED and f"{schema}.{name}" not in REGISTERS)


def registers(database: Database) -> Iterator[Item]:
    """The registers that name people, as `tables`."""
    return _tables(database, lambda schema, name: f"{schema}.{name}" in REGISTERS)


def _tables(database: Database, is_wanted: Callable[[str, str], bool]) -> Iterator[Item]:
    with database.connect(ADMIN) as conn:
        for schema, name, binary in _relations(conn):
            if not is_wanted(schema, name):
                continue
            where = f"{schema}.{name}"
            yield from unpacked("table", where, _copied(conn, sql.Identifier(schema, name)))
            for column in binary:
                query = sql.SQL("select {0} from {1} where {0} is not null").format(
                    sql.Identifier(column), sql.Identifier(schema, name)
                )
                for (value,) in conn.execute(query):
                    yield from unpacked("table", f"{where}.{column}", bytes(value))


def catalogue(database: Database) -> Iterator[Item]:
    """What the server itself keeps: samples of columns for its planner, definitions, comments, running statements."""
    places, registered = (", ".join(f"'{name}'" for name in names) for names in (IDENTIFIED, REGISTERS))
    queries = {
        "pg_stats": f"(select * from pg_stats where schemaname not in ({places}) "
        f"and schemaname || '.' || tablename not in ({registered}))",
        "pg_views": "(select * from pg_views)",
        "pg_matviews": "(select * from pg_matviews)",
        "pg_description": "(select * from pg_description)",
        "pg_proc": "(select prosrc, proname from pg_proc where oid >= 16384)",
        "pg_class": "(select relname from pg_class where oid >= 16384)",
        "pg_attrdef": "(select pg_get_expr(adbin, adrelid) from pg_attrdef)",
        "pg_constraint": "(select pg_get_constraintdef(oid) from pg_constraint where conrelid >= 16384)",
        "pg_stat_activity": "(select query, application_name from pg_stat_activity where pid <> pg_backend_pid())",
        "pg_largeobject": "(select loid, pageno, data from pg_largeobject)",
    }
    with database.connect(ADMIN) as conn:
        for name, query in queries.items():
            yield "catalogue", name, _copied(conn, sql.SQL(query))


def files(folder: Path, leave_out: tuple[Path, ...] = ()) -> Iterator[Item]:
    """Every file below a folder, its path, and what is packed in it; links are named, not followed."""
    for path in sorted(folder.rglob("*")):
        if any(path.is_relative_to(other) for other in leave_out):
            continue
        name = str(path.relative_to(folder))
        yield "path", name, name.encode()
        if path.is_symlink():
            yield "file", name, str(path.readlink()).encode()
        elif path.is_file():
            yield from unpacked("file", name, path.read_bytes())


def unpacked(kind: str, name: str, content: bytes, depth: int = 0) -> Iterator[Item]:
    """The bytes, then what is packed in them. Raises UnreadableStoreError for what cannot be unpacked."""
    yield kind, name, content
    opener = next((opener for mark, opener in PACKED.items() if content.startswith(mark)), None)
    if opener is None:
        return
    if depth == DEPTH:
        raise UnreadableStoreError(f"{name} is packed more than {DEPTH} times")
    try:
        members = list(opener(content))
    except Exception as error:
        if len(content) <= LONGEST_DIGEST:
            return
        raise UnreadableStoreError(f"{name} looks packed but is not readable: {type(error).__name__}") from error
    for member, inner in members:
        yield from unpacked(kind, f"{name}!{member}", inner, depth + 1)


def _relations(conn: psycopg.Connection) -> list[tuple[str, str, list[str]]]:
    rows = conn.execute(
        "select nspname, relname, coalesce(array_agg(attname order by attnum) "
        "filter (where atttypid = 'bytea'::regtype and not attisdropped), '{}') "
        "from pg_class join pg_namespace n on n.oid = relnamespace "
        "left join pg_attribute on attrelid = pg_class.oid and attnum > 0 "
        "where relkind in ('r', 'm') and nspname not in ('pg_catalog', 'information_schema') "
        "and nspname not like 'pg_toast%' group by 1, 2 order by 1, 2"
    ).fetchall()
    return [(schema, name, list(binary)) for schema, name, binary in rows]


def _copied(conn: psycopg.Connection, source: sql.Composable) -> bytes:
    """All rows as CSV, which leaves backslashes as they are."""
    is_table = isinstance(source, sql.Identifier)
    query = sql.SQL("(select * from {})").format(source) if is_table else source
    with conn.cursor().copy(sql.SQL("copy {} to stdout (format csv)").format(query)) as copy:
        return b"".join(bytes(block) for block in copy)


def _zip(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _tar(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            inner = archive.extractfile(member)
            yield member.name, inner.read() if inner else b""


def _parquet(content: bytes) -> Iterator[tuple[str, bytes]]:
    import pyarrow.csv
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(io.BytesIO(content)), out)
    yield "rows", out.getvalue()


def _zstd(content: bytes) -> Iterator[tuple[str, bytes]]:
    import zstandard

    yield "zstd", zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()


def _stream(name: str, decompress: Callable[[bytes], bytes]) -> Callable[[bytes], Iterator[tuple[str, bytes]]]:
    def opened(content: bytes) -> Iterator[tuple[str, bytes]]:
        inner = decompress(content)
        yield (f"{name}.tar" if inner[257:262] == b"ustar" else name), inner
        if inner[257:262] == b"ustar":
            yield from _tar(inner)

    return opened


PACKED: dict[bytes, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    b"PK\x03\x04": _zip,  # skops, npz, wheels
    b"\x1f\x8b": _stream("gzip", gzip.decompress),
    b"BZh": _stream("bz2", bz2.decompress),
    b"\xfd7zXZ\x00": _stream("xz", lzma.decompress),
    b"\x28\xb5\x2f\xfd": _zstd,
    b"PAR1": _parquet,
    **{bytes((0x78, level)): _stream("zlib", zlib.decompress) for level in (0x01, 0x5E, 0x9C, 0xDA)},
}
