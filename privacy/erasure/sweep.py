"""A search that trusts no registry: every text of every table and every byte of every file, for a person's keys."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

CHUNK = 1 << 22
DEPTH = 4
LINES = (".jsonl", ".log", ".csv", ".txt", ".out", ".err", ".ndjson")
# The vault holds keys, not people; the server's own files are searched through the server.
LEFT_OUT = ("vault", "postgres")
DERIVED = ("exports", "reports")  # made on request, from what is erased: deleted whole
_TABLES = """
select n.nspname, c.relname, array_agg(a.attname order by a.attnum), array_agg(format_type(a.atttypid, null) order by
  a.attnum)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'm') and not c.relispartition and n.nspname not like 'pg\\_%'
  and n.nspname <> 'information_schema'
group by 1, 2 order by 1, 2
"""
CLEARS_SAMPLES = 180_000  # PostgreSQL 18 has a function for it
PADDED = "character("
WORDY = ("text", "character varying", "character", "jsonb", "json", "name", "xml", "citext")


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched in one store, and in how many of its items a key was found."""

    store: str
    n_items: int
    n_bytes: int
    hits: tuple[str, ...]


def search_tables(conn: psycopg.Connection, needles: Sequence[str], leave_out: Iterable[str]) -> list[Searched]:
    """Every table of every schema, the tools' too; one result per schema. Needs a connection that may read them all."""
    found: dict[str, list[tuple[str, int]]] = {}
    skipped = set(leave_out)
    for schema, table, columns, types in conn.execute(_TABLES.encode()).fetchall():
        if f"{schema}.{table}" not in skipped:
            n = _hits(conn, (schema, table), list(zip(columns, types, strict=True)), needles)
            found.setdefault(schema, []).append((f"{schema}.{table}", n))
    return [
        Searched(f"schema {schema}", len(tables), 0, tuple(f"{name}: {n} rows" for name, n in tables if n))
        for schema, tables in found.items()
    ]


def search_table(conn: psycopg.Connection, table: str, needles: Sequence[str]) -> int:
    """Rows of one table that hold a key anywhere."""
    for schema, name, columns, types in conn.execute(_TABLES.encode()).fetchall():
        if f"{schema}.{name}" == table:
            return _hits(conn, (schema, name), list(zip(columns, types, strict=True)), needles)
    return 0


def _hits(
    conn: psycopg.Connection, name: tuple[str, str], columns: list[tuple[str, str]], needles: Sequence[str]
) -> int:
    """One pass: all texts of a row become one, once, and every key is looked for in it."""
    # concat_ws writes each value out itself; a cast would do so once more. A padded one is cast: it drops the padding.
    words = [
        sql.SQL("{}::text" if t.startswith(PADDED) else "{}").format(sql.Identifier(c))
        for c, t in columns
        if t.startswith(WORDY) or t.endswith("[]")
    ]
    binary = [sql.Identifier(c) for c, t in columns if t == "bytea"]
    tests: list[sql.Composable] = []
    if words:
        # A separator at both ends: a short key is looked for as a whole column, or as a whole value of JSON.
        text = sql.SQL("concat_ws(chr(31), '', {}, '') collate \"C\"").format(sql.SQL(", ").join(words))
        whole = [f"\x1f{needle[1:-1]}\x1f" for needle in needles if needle.startswith('"')]
        patterns = sql.SQL(", ").join(sql.Literal(f"%{_escaped(needle)}%") for needle in (*needles, *whole))
        tests.append(sql.SQL("{} like any (array[{}])").format(text, patterns))
    for column in binary:
        tests += [
            sql.SQL("position({} in {}) > 0").format(sql.Literal(needle.encode("utf-8", "surrogatepass")), column)
            for needle in needles
        ]
    if not tests:
        return 0
    query = sql.SQL("select count(*) from {} where {}").format(sql.Identifier(*name), sql.SQL(" or ").join(tests))
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def _escaped(needle: str) -> str:
    """As LIKE wants it: no wildcards."""
    return needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def samples(conn: psycopg.Connection, needles: Sequence[str]) -> list[str]:
    """Tables whose samples for the planner (pg_stats) hold a key."""
    tests = sql.SQL(" or ").join(
        sql.SQL(
            "strpos(concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text), {}) > 0"
        ).format(sql.Literal(needle))
        for needle in needles
    )
    query = sql.SQL("select distinct schemaname || '.' || tablename from pg_stats where {} order by 1").format(tests)
    return [str(row[0]) for row in conn.execute(query)]


def clear_samples(conn: psycopg.Connection, tables: Sequence[str]) -> None:
    """Take the planner's samples of tables away; the next analysis of rows draws new ones.

    Before PostgreSQL 18 only a superuser can: where the login is none they stay, and are found by the last search.
    """
    if conn.info.server_version >= CLEARS_SAMPLES:
        conn.execute(
            "select pg_clear_attribute_stats(schemaname, tablename, attname, inherited) from pg_stats "
            "where schemaname || '.' || tablename = any(%s)",
            (list(tables),),
        )
        return
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        conn.execute("delete from pg_statistic where starelid = any(%s::text[]::regclass[])", (list(tables),))


def search_files(home: Path, needles: Sequence[str]) -> list[Searched]:
    """Every file of a home and what is packed in it; one result per folder directly below the home."""
    wanted = [needle.encode("utf-8", "surrogatepass") for needle in needles]
    found: dict[str, list[tuple[str, int, bool]]] = {}
    for path in files(home):
        name = str(path.relative_to(home))
        size, is_hit = _search_file(path, wanted)
        is_hit = is_hit or any(needle in name.encode() for needle in wanted)
        found.setdefault(name.split("/", 1)[0] if "/" in name else ".", []).append((name, size, is_hit))
    return [
        Searched(
            f"files {folder}",
            len(items),
            sum(size for _, size, _ in items),
            tuple(_shown(n) for n, _, hit in items if hit),
        )
        for folder, items in sorted(found.items())
    ]


def files(home: Path) -> Iterator[Path]:
    """The files of a home, links not followed, without the vault and the server's own."""
    for path in sorted(home.rglob("*")):
        if path.relative_to(home).parts[0] not in LEFT_OUT and path.is_file() and not path.is_symlink():
            yield path


def clean_files(home: Path, needles: Sequence[str]) -> int:
    """Take a person out of files: lines out of logs, whole files where they were made on request. Files changed."""
    wanted = [needle.encode("utf-8", "surrogatepass") for needle in needles]
    n_changed = 0
    for path in files(home):
        if not _search_file(path, wanted)[1]:
            continue
        if path.relative_to(home).parts[0] in DERIVED:
            path.unlink()
            n_changed += 1
        elif path.suffix in LINES:
            _drop_lines(path, wanted)
            n_changed += 1
    return n_changed


def _drop_lines(path: Path, wanted: Sequence[bytes]) -> None:
    draft = path.with_name(f".{path.name}.erasing")
    with path.open("rb") as old, draft.open("wb") as new:
        new.writelines(line for line in old if not any(needle in line for needle in wanted))
        new.flush()
    draft.chmod(path.stat().st_mode & 0o777)
    draft.replace(path)


def _search_file(path: Path, wanted: Sequence[bytes]) -> tuple[int, bool]:
    with path.open("rb") as file:
        head = file.read(8)
    if any(head.startswith(mark) for mark in PACKED) or head[:4] == b"PAR1":
        content = path.read_bytes()
        return len(content), _found(content, wanted)
    longest = max(map(len, wanted), default=0)
    size, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            text = tail + chunk
            if any(needle in text for needle in wanted):
                return path.stat().st_size, True
            tail = text[-longest:]
    return size, False


def _found(content: bytes, wanted: Sequence[bytes], depth: int = 0) -> bool:
    """Whether a key is in the bytes or in what is packed in them. What looks packed and is not readable counts."""
    if any(needle in content for needle in wanted):
        return True
    opener = next((opener for mark, opener in PACKED.items() if content.startswith(mark)), None)
    if opener is None:
        return False
    if depth == DEPTH:
        return True
    try:
        return any(_found(inner, wanted, depth + 1) for inner in opener(content))
    except Exception:  # noqa: BLE001 - of what nobody can read, nobody can say that it is empty
        return len(content) > 64  # a digest may begin like anything


def _shown(name: str) -> str:
    """A file's place without its name, which may be a person's."""
    parent, _, last = name.rpartition("/")
    return f"{parent or '.'}/*{Path(last).suffix}"


def _zip(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name.encode()
            yield archive.read(name)


def _tar_inside(content: bytes) -> Iterator[bytes]:
    yield content
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                inner = archive.extractfile(member)
                yield inner.read() if inner else member.name.encode()


def _parquet(content: bytes) -> Iterator[bytes]:
    import pyarrow.csv
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(io.BytesIO(content)), out)
    yield out.getvalue()


def _zstd(content: bytes) -> Iterator[bytes]:
    import zstandard

    yield from _tar_inside(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read())


def _stream(decompress: Callable[[bytes], bytes]) -> Callable[[bytes], Iterator[bytes]]:
    return lambda content: _tar_inside(decompress(content))


PACKED: dict[bytes, Callable[[bytes], Iterator[bytes]]] = {
    b"PK\x03\x04": _zip,
    b"\x1f\x8b": _stream(gzip.decompress),
    b"BZh": _stream(bz2.decompress),
    b"\xfd7zXZ\x00": _stream(lzma.decompress),
    b"\x28\xb5\x2f\xfd": _zstd,
    b"PAR1": _parquet,
}
