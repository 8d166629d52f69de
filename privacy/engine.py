"""DuckDB as the kernel uses it: one connection per thread with its prepared plans. Holds keys, never events."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from privacy import format_function
from privacy.errors import KernelFailureError
from privacy.format_function import FormatTokens
from privacy.memory import keep_freed_memory
from privacy.pseudonyms import Keyring, domain_key

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MAX_PREPARED = 256
ROWS_PER_CHUNK = 1 << 15  # of a result: larger buffers are given back to the system, and their pages zeroed again
_kept = threading.local()


@dataclass(slots=True)
class Feed:
    """What a query reads as `batch`: the table of the moment, through Arrow's stream protocol.

    A prepared plan keeps the object that it was bound to. Were that the table itself, the plan would go on reading the
    first batch when another one is registered under the name.
    """

    table: pa.Table | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self.table is None:
            raise KernelFailureError("a query was run without a batch; report this")
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class Engine:
    """A connection with the keys of one call set, and the names under which it knows queries."""

    connection: duckdb.DuckDBPyConnection
    feed: Feed = field(default_factory=Feed)
    prepared: dict[str, str] = field(default_factory=dict)
    formats: FormatTokens | None = None

    def run(self, sql: str, batch: pa.Table) -> pa.Table:
        """The query over `batch`. Planning costs more than a thousand rows, so the plan is kept for the next batch.

        batch: always with the same columns and types.
        """
        self.feed.table = batch
        if not self.prepared:
            self.connection.register("batch", self.feed)
        if format_function.NAME in sql:
            return self._run_with_formats(sql)
        if sql not in self.prepared:
            if len(self.prepared) >= MAX_PREPARED:
                self._forget()
            name = f"plan_{len(self.prepared)}"
            self.connection.execute(f"prepare {name} as {sql}")
            self.prepared[sql] = name
        return self.connection.sql(f"execute {self.prepared[sql]}").to_arrow_table(ROWS_PER_CHUNK)

    def _run_with_formats(self, sql: str) -> pa.Table:
        """A query that asks for tokens in a format. Its plan is not kept: the function goes with this call's key."""
        if self.formats is not None:
            self.formats.register(self.connection)
        return self.connection.sql(sql).to_arrow_table(ROWS_PER_CHUNK)

    def _forget(self) -> None:
        for name in self.prepared.values():
            self.connection.execute(f"deallocate {name}")
        self.prepared.clear()


@contextmanager
def engine(keyring: Keyring) -> Iterator[Engine]:
    """This thread's engine with the keys set; afterwards it holds neither keys nor rows. A failure discards it."""
    known = getattr(_kept, "engine", None)
    _kept.engine = None  # a call inside this one gets an engine of its own
    current: Engine = known[1] if known and known[0] == os.getpid() else Engine(_connect())
    _set_keys(current.connection, keyring)
    current.formats = FormatTokens(domain_key(keyring.pseudonymous, "format"))
    yield current
    current.formats.forget(current.connection)
    current.formats = None
    for name in _variables(keyring):
        current.connection.execute(f"reset variable {name}")
    current.connection.unregister("chosen")
    current.feed.table = None
    _kept.engine = (os.getpid(), current)


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    keep_freed_memory()
    # Without a folder for what does not fit into memory: it would be one below the working directory, where a process
    # that is killed leaves people's values and no erasure looks.
    return duckdb.connect(config={"threads": 1, "enable_external_access": False, "temp_directory": ""})


def _set_keys(connection: duckdb.DuckDBPyConnection, keyring: Keyring) -> None:
    # Keys travel as parameters: text of a statement can end up in an error message.
    for name, value in _variables(keyring).items():
        connection.execute(f"set variable {name} = $1", [value])


def _variables(keyring: Keyring) -> dict[str, object]:
    field_key = domain_key(keyring.pseudonymous, "field")
    block = hashlib.sha256().block_size
    return {
        "field_ipad": bytes(b ^ 0x36 for b in field_key.ljust(block, b"\0")),
        "field_opad": bytes(b ^ 0x5C for b in field_key.ljust(block, b"\0")),
    }
