"""Errors of the database quote no row, whichever way the row came in."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from warehouse.database import Database

pytestmark = pytest.mark.integration
SECRET = "ada.invented@example.com"


@pytest.fixture
def planted(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect("admin", autocommit=True) as conn:
        conn.execute("create temp table t (k text primary key, n integer check (n > 0))")
        conn.execute("insert into t values (%s, 1)", (SECRET,))
        yield conn


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("insert into t values (%s, 1)", psycopg.errors.UniqueViolation),
        ("insert into t values (%s || '2', -1)", psycopg.errors.CheckViolation),
        ("select %s::integer", psycopg.errors.InvalidTextRepresentation),
        ("select %s::timestamptz", psycopg.errors.InvalidDatetimeFormat),
        ("select %s::jsonb", psycopg.errors.InvalidTextRepresentation),
    ],
)
def test_a_refused_value_is_withheld(planted: psycopg.Connection, statement: str, kind: type[psycopg.Error]) -> None:
    with pytest.raises(kind, match="withheld") as one:
        planted.execute(statement.encode(), (SECRET,))
    with pytest.raises(kind) as other:
        psycopg.Cursor(planted).execute(statement.encode(), (SECRET,))
    assert SECRET[:3] in str(other.value), "without the cursor the value is there: this test can fail"
    assert SECRET[:3] not in f"{one.value!r} {one.value.__cause__!r} {one.value.diag.message_detail}"


def test_a_refused_copy_is_withheld(planted: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="constraint t_pkey") as caught:
        copy_secret(planted)
    assert SECRET not in str(caught.value)


def copy_secret(conn: psycopg.Connection) -> None:
    with conn.cursor() as cursor, cursor.copy("copy t (k, n) from stdin") as copy:
        copy.write_row((SECRET, 1))


def test_our_own_words_stay(database: Database) -> None:
    with database.connect("privacy") as conn, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute("delete from consent.consent_events")
