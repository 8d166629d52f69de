"""Where people's rows are: an Arrow table (through DuckDB) or a PostgreSQL table. Both answer alike.

What leaves this module is exact and stays inside the process until noise is added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql

from privacy.budget.bounds import SUM, Bounds
from privacy.budget.contributions import BOUNDED, SPREAD, TALLIES
from privacy.budget.errors import ContributionQueryError, InvalidQueryError

if TYPE_CHECKING:
    import pyarrow as pa

Groups = Sequence[str] | None
Template = str
INTEGER_OIDS = (20, 21, 23)  # int8, int2, int4


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


class Source(Protocol):
    """Rows of people."""

    @property
    def columns(self) -> Columns:
        """Which columns are read."""
        ...

    def check(self, statistic: str) -> None:
        """Raise InvalidQueryError for columns that are absent or not whole numbers. Reads no row: it is free."""
        ...

    def spread(self, groups: Groups) -> list[tuple[int, int, int]]:
        """(groups of a person, most rows in one of them, people): how contributions are spread."""
        ...

    def tally(self, statistic: str, groups: Groups, bounds: Bounds, key: bytes) -> dict[str, int]:
        """The exact statistic per group over bounded contributions."""
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

    def spread(self, groups: Groups) -> list[tuple[int, int, int]]:
        """See Source."""
        return [(int(n), int(most), int(people)) for n, most, people in self._run(SPREAD, None, groups)]

    def tally(self, statistic: str, groups: Groups, bounds: Bounds, key: bytes) -> dict[str, int]:
        """See Source."""
        rows = self._run(TALLIES[statistic], self.columns.of(statistic), groups, bounds, key)
        return {str(group): int(value) for group, value in rows}

    def bounded(self, statistic: str, groups: Groups, bounds: Bounds, key: bytes) -> list[tuple[str, str, int, int]]:
        """(person, group, rows, amount) of what enters a tally: for proofs, never for release."""
        rows = self._run(BOUNDED[statistic], self.columns.of(statistic), groups, bounds, key)
        return [(person, group, int(n), int(amount)) for person, group, n, amount in rows]

    def _run(
        self, template: Template, value: str | None, groups: Groups, bounds: Bounds | None = None, key: bytes = b""
    ) -> list[tuple[Any, ...]]:
        import duckdb
        import pyarrow as pa

        text = template.format(**_duckdb_words(self.columns, value, groups is not None, bounds))
        try:
            with duckdb.connect(config={"enable_external_access": False}) as connection:
                connection.register("people_rows", self.table)
                if groups is not None:
                    connection.register("public_groups", pa.table({"grp": pa.array(groups, pa.string())}))
                rows = connection.execute(text, {"key": key} if "$key" in text else {}).fetchall()
        except duckdb.Error as error:
            kind = type(error).__name__
        else:
            return rows
        raise ContributionQueryError(f"DuckDB refused the rows with {kind}; its message is withheld, it quotes values")


@dataclass(frozen=True, slots=True)
class PostgresSource:
    """A table or view in PostgreSQL, read through a connection whose role may read it. It is `schema.name`."""

    conn: psycopg.Connection
    table: str
    columns: Columns

    def check(self, statistic: str) -> None:
        """See Source."""
        value = self.columns.of(statistic)
        types = self._types()
        _require_columns(self.columns.needed(statistic), types)
        if value is not None and types[value] not in INTEGER_OIDS:
            raise _fractions(value)

    def spread(self, groups: Groups) -> list[tuple[int, int, int]]:
        """See Source."""
        return [(int(n), int(most), int(people)) for n, most, people in self._run(SPREAD, None, groups)]

    def tally(self, statistic: str, groups: Groups, bounds: Bounds, key: bytes) -> dict[str, int]:
        """See Source."""
        rows = self._run(TALLIES[statistic], self.columns.of(statistic), groups, bounds, key)
        return {str(group): int(value) for group, value in rows}

    def _run(
        self, template: Template, value: str | None, groups: Groups, bounds: Bounds | None = None, key: bytes = b""
    ) -> list[tuple[Any, ...]]:
        words = _postgres_words(self.table, self.columns, value, groups is not None, bounds)
        with self.conn.transaction():
            parameters = {"key": key, "groups": None if groups is None else list(groups)}
            return self.conn.execute(sql.SQL(template).format(**words), parameters).fetchall()

    def _types(self) -> dict[str, int]:
        try:
            with self.conn.transaction():
                cursor = self.conn.execute(sql.SQL("select * from {} limit 0").format(_name(self.table)))
        except psycopg.ProgrammingError:  # absent, or not for this role
            raise InvalidQueryError(
                f"there is no table {self.table} that this role may read; name one as schema.table"
            ) from None
        return {column.name: column.type_code for column in cursor.description or []}


def _duckdb_words(columns: Columns, value: str | None, chosen: bool, bounds: Bounds | None) -> Mapping[str, str]:
    group = _quoted(columns.group)
    amount = "1" if value is None else _quoted(value)
    numbers = {} if bounds is None else {name: str(number) for name, number in _numbers(bounds).items()}
    return numbers | {
        "rows": "people_rows",
        "user": _quoted(columns.user),
        "grp": group,
        "value": amount,
        "chosen": f"cast({group} as varchar) in (select grp from public_groups)" if chosen else "true",
        "cell_digest": "sha256($key::blob || encode(length(person) || ':' || person || grp))",
        "row_digest": "sha256($key::blob || encode(length(kept.person) || ':' || kept.person || length(kept.grp) "
        f"|| ':' || kept.grp || cast({amount} as varchar)))",
    }


def _postgres_words(
    table: str, columns: Columns, value: str | None, chosen: bool, bounds: Bounds | None
) -> Mapping[str, sql.Composable]:
    group = sql.Identifier(columns.group)
    amount = sql.SQL("1") if value is None else sql.Identifier(value)
    numbers = {} if bounds is None else {name: sql.Literal(number) for name, number in _numbers(bounds).items()}
    some = sql.SQL("cast({} as varchar) = any(%(groups)s)").format(group)
    return {
        **numbers,
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


def _numbers(bounds: Bounds) -> dict[str, int]:
    return {"n_groups": bounds.groups, "n_rows": bounds.rows, "lower": bounds.lower, "upper": bounds.upper}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _name(table: str) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, table.split(".")))


def _require_columns(needed: Collection[str], found: Collection[str]) -> None:
    if missing := [name for name in needed if name not in found]:
        raise InvalidQueryError(f"the rows have no column {', '.join(missing)}; name columns that they have")


def _fractions(value: str) -> InvalidQueryError:
    return InvalidQueryError(f"column {value} does not hold whole numbers; sum whole units instead, like cents")
