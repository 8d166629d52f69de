"""Where people's rows are: an Arrow table (through DuckDB) or a PostgreSQL table. Both answer alike.

What leaves this module is exact and stays inside the process until noise is added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql

from privacy.budget.bounds import SUM, Bounds
from privacy.budget.contributions import BOUNDED, CELLS, SPREAD, TALLIES
from privacy.budget.errors import ContributionQueryError, InvalidQueryError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Groups = Sequence[str] | None
Run = Callable[[str, Bounds | None, bytes], list[tuple[Any, ...]]]
INTEGER_OIDS = (20, 21, 23)  # int8, int2, int4
ANYBODY = Bounds(1)  # where a text has no bounds to fill in


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column names the person, which the group, and which holds a sum's whole units."""

    user: str
    group: str
    value: str | None = None

    def of(self, statistic: str) -> str | None:
        """The column that a statistic adds up. Raises InvalidQueryError where a sum has none."""
        if statistic == SUM and self.value is None:
            raise InvalidQueryError("a sum needs the column of its values; name one that holds whole units")
        return self.value if statistic == SUM else None

    def needed(self, statistic: str) -> list[str]:
        """Every column that a statistic reads."""
        return [name for name in (self.user, self.group, self.of(statistic)) if name is not None]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the rows for one statistic. `run` fills in one of the texts of contributions.py and runs it."""

    statistic: str
    run: Run

    def spread(self) -> list[tuple[int, int, int]]:
        """(groups of a person, most rows in one of them, people): how contributions are spread."""
        return [(int(n), int(most), int(people)) for n, most, people in self.run(SPREAD, None, b"")]

    def tally(self, bounds: Bounds, key: bytes) -> dict[str, int]:
        """The exact statistic per group over bounded contributions."""
        return {str(group): int(value) for group, value in self.run(TALLIES[self.statistic], bounds, key)}

    def bounded(self, bounds: Bounds, key: bytes) -> list[tuple[str, str, int, int]]:
        """(person, group, rows, amount) of what enters a tally: for proofs, never for release."""
        rows = self.run(BOUNDED[self.statistic], bounds, key)
        return [(person, group, int(n), int(amount)) for person, group, n, amount in rows]


class Source(Protocol):
    """Rows of people."""

    @property
    def columns(self) -> Columns:
        """Which columns are read."""
        ...

    def check(self, statistic: str) -> None:
        """Raise InvalidQueryError for columns that are absent or not whole numbers. Reads no row: it is free."""
        ...

    def read(self, statistic: str, groups: Groups) -> AbstractContextManager[Reading]:
        """A reading of the rows in these groups (None: in any)."""
        ...


@dataclass(frozen=True, slots=True)
class ArrowSource:
    """A table in memory. The value column must hold whole numbers."""

    table: pa.Table
    columns: Columns

    def check(self, statistic: str) -> None:
        """See Source."""
        import pyarrow as pa

        value = self.columns.of(statistic)
        _require_columns(self.columns.needed(statistic), self.table.schema.names)
        if value is not None and not pa.types.is_integer(self.table.schema.field(value).type):
            raise _fractions(value)

    @contextmanager
    def read(self, statistic: str, groups: Groups) -> Iterator[Reading]:
        """See Source."""
        import duckdb
        import pyarrow as pa

        words = _duckdb_words(self.columns, self.columns.of(statistic), chosen=groups is not None)
        # Nothing goes to disk: a process that is killed would leave people's values where no erasure looks.
        with duckdb.connect(
            config={"enable_external_access": False, "preserve_insertion_order": False, "temp_directory": ""}
        ) as connection:

            def run(template: str, bounds: Bounds | None, key: bytes) -> list[tuple[Any, ...]]:
                text = template.format(**words, **{n: str(v) for n, v in _numbers(bounds).items()})
                return _duckdb_rows(connection, text, {"key": key} if "$key" in text else {})

            connection.register("people_rows", self.table)
            if groups is not None:
                connection.register("public_groups", pa.table({"grp": pa.array(groups, pa.string())}))
            _duckdb_rows(connection, CELLS.format(**words), {})
            yield Reading(statistic, run)


@dataclass(frozen=True, slots=True)
class PostgresSource:
    """A table or view in PostgreSQL, read through a connection whose role may read it. It is `schema.name`."""

    conn: psycopg.Connection
    table: str
    columns: Columns

    def check(self, statistic: str) -> None:
        """See Source."""
        value, types = self.columns.of(statistic), self._types()
        _require_columns(self.columns.needed(statistic), types)
        if value is not None and types[value] not in INTEGER_OIDS:
            raise _fractions(value)

    @contextmanager
    def read(self, statistic: str, groups: Groups) -> Iterator[Reading]:
        """See Source. One transaction; its temporary tables end with it."""
        words = _postgres_words(self.table, self.columns, self.columns.of(statistic), chosen=groups is not None)

        def run(template: str, bounds: Bounds | None, key: bytes) -> list[tuple[Any, ...]]:
            text = sql.SQL(template).format(**words, **{n: sql.Literal(v) for n, v in _numbers(bounds).items()})
            return self.conn.execute(text, {"key": key}).fetchall()

        with self.conn.transaction():
            self._load(groups)
            self.conn.execute(sql.SQL(CELLS).format(**words))
            self.conn.execute("analyze contribution_cells")
            yield Reading(statistic, run)

    def _load(self, groups: Groups) -> None:
        if groups is not None:
            self.conn.execute("create temp table public_groups (grp varchar) on commit drop")
            with self.conn.cursor().copy("copy public_groups from stdin") as copy:
                for group in groups:
                    copy.write_row((group,))

    def _types(self) -> dict[str, int]:
        try:
            with self.conn.transaction():
                cursor = self.conn.execute(sql.SQL("select * from {} limit 0").format(_name(self.table)))
        except psycopg.ProgrammingError:  # absent, or not for this role
            raise InvalidQueryError(
                f"there is no table {self.table} that this role may read; name one as schema.table"
            ) from None
        return {column.name: column.type_code for column in cursor.description or []}


def _duckdb_rows(
    connection: duckdb.DuckDBPyConnection, text: str, parameters: dict[str, bytes]
) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return connection.execute(text, parameters).fetchall()
    except duckdb.Error as error:
        kind = type(error).__name__
    # DuckDB's messages quote values; this one is raised outside the handler so that no traceback carries them.
    raise ContributionQueryError(f"DuckDB refused the rows with {kind}; its message is withheld, it quotes values")


def _duckdb_words(columns: Columns, value: str | None, *, chosen: bool) -> Mapping[str, str]:
    group = _quoted(columns.group)
    amount = "1" if value is None else _quoted(value)
    return {
        "lifetime": "",
        "rows": "people_rows",
        "user": _quoted(columns.user),
        "grp": group,
        "value": amount,
        "chosen": f"cast({group} as varchar) in (select grp from public_groups)" if chosen else "true",
        "cell_digest": "sha256($key::blob || encode(length(person) || ':' || person || grp))",
        "row_digest": "sha256($key::blob || encode(length(kept.person) || ':' || kept.person || length(kept.grp) "
        f"|| ':' || kept.grp || cast({amount} as varchar)))",
    }


def _postgres_words(table: str, columns: Columns, value: str | None, *, chosen: bool) -> Mapping[str, sql.Composable]:
    group = sql.Identifier(columns.group)
    amount = sql.SQL("1") if value is None else sql.Identifier(value)
    some = sql.SQL("cast({} as varchar) in (select grp from public_groups)").format(group)
    return {
        "lifetime": sql.SQL("on commit drop"),
        "rows": _name(table),
        "user": sql.Identifier(columns.user),
        "grp": group,
        "value": amount,
        "chosen": some if chosen else sql.SQL("true"),
        "cell_digest": sql.SQL("sha256(%(key)s || convert_to(length(person) || ':' || person || grp, 'UTF8'))"),
        "row_digest": sql.SQL(
            "sha256(%(key)s || convert_to(length(kept.person) || ':' || kept.person || length(kept.grp) "
            "|| ':' || kept.grp || cast({} as varchar), 'UTF8'))"
        ).format(amount),
    }


def _numbers(bounds: Bounds | None) -> dict[str, int]:
    known = bounds or ANYBODY
    return {"n_groups": known.groups, "n_rows": known.rows, "lower": known.lower, "upper": known.upper}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _name(table: str) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, table.split(".")))


def _require_columns(needed: Collection[str], found: Collection[str]) -> None:
    if missing := [name for name in needed if name not in found]:
        raise InvalidQueryError(f"the rows have no column {', '.join(missing)}; name columns that they have")


def _fractions(value: str) -> InvalidQueryError:
    return InvalidQueryError(f"column {value} does not hold whole numbers; sum whole units instead, like cents")
