"""A cursor whose errors quote no row. PostgreSQL names the offending values in messages; errors end up in logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg

# SQLSTATE classes whose messages or details repeat data: 22 data exceptions, 23 integrity constraint violations.
QUOTING_CLASSES = ("22", "23")


class DiscreetCursor(psycopg.Cursor[Any]):
    """A psycopg cursor that raises the same error types, with the place of the fault instead of its values."""

    def execute(self, *arguments: Any, **options: Any) -> DiscreetCursor:
        """As psycopg's, with discreet errors."""
        with discreet():
            super().execute(*arguments, **options)
        return self

    def executemany(self, *arguments: Any, **options: Any) -> None:
        """As psycopg's, with discreet errors."""
        with discreet():
            super().executemany(*arguments, **options)

    @contextmanager
    def copy(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Copy]:
        """As psycopg's, with discreet errors."""
        with discreet(), super().copy(*arguments, **options) as copy:
            yield copy


@contextmanager
def discreet() -> Iterator[None]:
    """Replace errors that quote data by ones that name SQLSTATE, table, column and constraint."""
    try:
        yield
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(QUOTING_CLASSES) and error.diag.sqlstate:
            _withhold(error)
        raise


def _withhold(error: psycopg.Error) -> NoReturn:
    diag = error.diag
    table = ".".join(part for part in (diag.schema_name, diag.table_name) if part)
    named = {"table": table, "column": diag.column_name, "constraint": diag.constraint_name}
    place = ", ".join(f"{name} {value}" for name, value in named.items() if value) or "a value"
    raise type(error)(f"PostgreSQL refused {place} (SQLSTATE {error.sqlstate}); the values are withheld") from None
