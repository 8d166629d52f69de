"""The access log as tests break it and read it."""

from __future__ import annotations

from warehouse.database import ADMIN, Database


def refuse_entries(database: Database) -> None:
    """From now on the log takes no entry, whoever writes it."""
    with database.connect(ADMIN) as conn:
        conn.execute(
            "create function privacy.full() returns trigger language plpgsql as "
            "$$ begin raise exception 'the access log takes no entry'; end $$"
        )
        conn.execute("create trigger takes_none before insert on privacy.access_log execute function privacy.full()")


def looks(database: Database) -> list[tuple[str, str, bytes | None, int]]:
    """Who, by which command, at whom, how many rows; oldest first."""
    with database.connect(ADMIN) as conn:
        query = "select actor, command, blinded_subject, n_rows from privacy.access_log order by access_id"
        return conn.execute(query.encode()).fetchall()
