"""The transform over the warehouse: which event days are pending, and raw to safe in bounded chunks of days.

Fetch, compute (kernel.py), write; one transaction per chunk, so a kill leaves every day old or new, never half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from privacy import day_policies
from privacy.classification import load_policy
from privacy.consent import decisions_for
from privacy.errors import UnreconciledDayError
from privacy.identities import by_person, people_of
from privacy.kernel import Transformed, transform
from privacy.policy import CompiledPolicy
from privacy.pseudonyms import UNLINKED_MARK, Keyring, subject_tokens
from privacy.rows import ROW_REASONS
from privacy.text_embeddings import wanted, write_embeddings
from privacy.vault import Vault

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_CHUNK = 200_000
RETRIES = 5
RAW_COLUMNS = (
    "id",
    "user_id",
    "persona_id",
    "company_id",
    "event_type",
    "event_source",
    "component",
    "action",
    "data",
    "metadata",
    "data_classification",
    "session_id",
    "client_info",
    "created_at",
    "received_at",
    "imported_at",
    "source",
    "event_day",
)
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class TransformReport:
    """Sums over the days transformed. exclusions: reason -> rows or paths; n_in = n_kept + rows excluded."""

    n_in: int = 0
    n_kept: int = 0
    n_pseudonymous: int = 0
    n_anonymous: int = 0
    n_unknown_paths: int = 0
    exclusions: Counter[str] = field(default_factory=Counter)
    days: list[date] = field(default_factory=list)

    @property
    def n_excluded(self) -> int:
        return sum(n for reason, n in self.exclusions.items() if reason in ROW_REASONS)


def pending_days(conn: psycopg.Connection) -> list[date]:
    """Event days whose raw rows, rules or consent changed since their safe rows were written, oldest first."""
    rows = conn.execute(
        "select event_day from raw.event_days full join safe.event_days using (event_day) "
        "left join privacy.dirty_days using (event_day) "
        "where raw.event_days.version is distinct from safe.event_days.raw_version "
        f"or {day_policies.CHANGED} or dirty_days.version is not null order by event_day".encode(),
        day_policies.changed(load_policy(conn)),
    ).fetchall()
    conn.commit()
    return [row[0] for row in rows]


def transform_days(
    conn: psycopg.Connection, days: Sequence[date], vault: Vault, *, progress: Progress | None = None
) -> TransformReport:
    """Rewrite the safe rows of event days from raw, idempotently; memory is bounded by the largest day.

    progress(days done, days in all) is called after each chunk. Raises UnreconciledDayError when counts do not add up.
    """
    report = TransformReport()
    keyring = Keyring.of(vault)
    for chunk in _chunks(conn, sorted(set(days))):
        _add(report, chunk, _with_retries(partial(_transform_chunk, conn, chunk, vault, keyring)))
        if progress:
            progress(len(report.days), len(set(days)))
    return report


def _chunks(conn: psycopg.Connection, days: Sequence[date]) -> Iterator[list[date]]:
    sizes: dict[date, int] = dict(
        conn.execute("select event_day, n_events from raw.event_days where event_day = any(%s)", (list(days),))
    )
    conn.commit()
    chunk: list[date] = []
    n_rows = 0
    for day in days:
        if chunk and n_rows + sizes.get(day, 0) > ROWS_PER_CHUNK:
            yield chunk
            chunk, n_rows = [], 0
        chunk.append(day)
        n_rows += sizes.get(day, 0)
    if chunk:
        yield chunk


def _transform_chunk(conn: psycopg.Connection, days: list[date], vault: Vault, keyring: Keyring) -> Transformed:
    import pyarrow as pa

    # Everything is read in one snapshot: the raw version that is recorded is the version that was read.
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        with conn.transaction():
            policy = load_policy(conn)
            batch, versions = _fetch(conn, days)
            subjects = batch["user_id"].unique().drop_null().to_pylist()
            tokens = _subject_tokens(conn, subjects, vault, keyring.pseudonymous)
            result = transform(
                batch, policy, keyring=keyring, subject_tokens=tokens, decisions=decisions_for(conn, subjects)
            )
            chosen = wanted(batch, result.pseudonymous, policy, keyring.pseudonymous)
            lost = write_embeddings(conn, days, chosen, vault)
            result = replace(
                result, exclusions=pa.concat_tables([result.exclusions, lost.cast(result.exclusions.schema)])
            )
            _write(conn, days, result, versions, policy)
            day_policies.record(conn, days, batch, policy)
    finally:
        conn.commit()
        conn.isolation_level = None
    return result


def _subject_tokens(conn: psycopg.Connection, subjects: list[str], vault: Vault, key: bytes) -> dict[str, str]:
    """The pseudonym of every id: that of the id which its person goes by."""
    people = by_person(subjects, people_of(conn, subjects))
    distinct = list(dict.fromkeys(people.values()))
    made = subject_tokens(distinct, vault.salts(distinct), key)
    return {user: made[person] for user, person in people.items()}


def _with_retries(attempt: Callable[[], Transformed]) -> Transformed:
    """A consent decision that commits meanwhile makes the server refuse the chunk; it is computed again, with it."""
    for _ in range(RETRIES):
        try:
            return attempt()
        except psycopg.errors.SerializationFailure:
            continue
    return attempt()


def _fetch(conn: psycopg.Connection, days: list[date]) -> tuple[pa.Table, dict[date, tuple[int, int]]]:
    """The rows of the days and, per day, (raw version, dirty version) as this snapshot sees them."""
    versions = conn.execute(
        "select event_day, event_days.version, coalesce(dirty_days.version, 0) "
        "from unnest(%s::date[]) as d (event_day) "
        "left join raw.event_days using (event_day) left join privacy.dirty_days using (event_day)",
        (days,),
    )
    known = {day: (raw, dirty) for day, raw, dirty in versions}
    return raw_rows(conn, days), known


def raw_rows(conn: psycopg.Connection, days: Sequence[date], names: Sequence[str] = RAW_COLUMNS) -> pa.Table:
    """Columns of raw.system_logs over event days, typed as the kernel takes them."""
    import pyarrow as pa
    from psycopg import sql

    from warehouse.arrow import read_table

    moment = pa.timestamp("us", "UTC")
    types = {"created_at": moment, "received_at": moment, "imported_at": moment, "event_day": pa.date32()}
    types |= dict.fromkeys(("data", "metadata", "client_info"), pa.large_string())
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    query = sql.SQL("select {} from raw.system_logs where event_day = any({})").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Literal(list(days))
    )
    return read_table(conn, query, schema)


def _write(
    conn: psycopg.Connection,
    days: list[date],
    result: Transformed,
    versions: dict[date, tuple[int, int]],
    policy: CompiledPolicy,
) -> None:
    from warehouse.arrow import copy_arrow

    # Unlinked events have no raw row to be made from again: see privacy/erasure/unlinking.py.
    conn.execute(
        "delete from safe.pseudonymous_events where event_day = any(%s) and not starts_with(event_id, %s)",
        (days, UNLINKED_MARK),
    )
    for table in ("safe.anonymous_events", "safe.exclusions", "privacy.unknown_paths"):
        conn.execute(f"delete from {table} where event_day = any(%s)".encode(), (days,))
    copy_arrow(conn, "safe.pseudonymous_events", _with_array_literals(result.pseudonymous))
    copy_arrow(conn, "safe.anonymous_events", result.anonymous)
    copy_arrow(conn, "safe.exclusions", result.exclusions)
    copy_arrow(conn, "privacy.unknown_paths", result.unknown_paths)
    _write_days(conn, days, _sums(result), versions, policy)


def _write_days(
    conn: psycopg.Connection,
    days: list[date],
    sums: pa.Table,
    versions: dict[date, tuple[int, int]],
    policy: CompiledPolicy,
) -> None:
    """One row per day and the end of its dirtiness: one statement each for all days."""
    stored = [day for day in days if versions[day][0] is not None]
    conn.execute("delete from safe.event_days where event_day = any(%s)", (days,))
    conn.execute(
        "insert into safe.event_days (event_day, raw_version, policy_digest, n_in, n_kept, n_pseudonymous, "
        "n_anonymous, version) select event_day, raw_version, %s, coalesce(n_in, 0), coalesce(n_kept, 0), "
        "coalesce(n_pseudonymous, 0) + (select count(*) from safe.pseudonymous_events as e "
        "where e.event_day = d.event_day and starts_with(event_id, %s)), coalesce(n_anonymous, 0), "
        "nextval('safe.event_day_version') "
        "from unnest(%s::date[], %s::bigint[]) as d (event_day, raw_version) left join unnest(%s::date[], "
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) as s "
        "(event_day, n_in, n_kept, n_pseudonymous, n_anonymous) "
        "using (event_day) order by event_day",
        (
            policy.digest,
            UNLINKED_MARK,
            stored,
            [versions[day][0] for day in stored],
            *(sums[name].to_pylist() for name in ("event_day", "n_in", "n_kept", "n_pseudonymous", "n_anonymous")),
        ),
    )
    # A consent that came in meanwhile has a newer version and keeps the day dirty.
    conn.execute(
        "delete from privacy.dirty_days using unnest(%s::date[], %s::bigint[]) as read (event_day, version) "
        "where dirty_days.event_day = read.event_day and dirty_days.version = read.version",
        (list(versions), [dirty for _, dirty in versions.values()]),
    )


def _with_array_literals(table: pa.Table) -> pa.Table:
    """purposes as PostgreSQL array text, made once per distinct list instead of once per row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = table["purposes"].combine_chunks() if table.num_rows else pa.array([], pa.list_(pa.string()))
    text = pc.binary_join(lists, ",")
    literal = pc.binary_join_element_wise("{", text, "}", "")
    return table.set_column(table.schema.get_field_index("purposes"), "purposes", literal)


def _sums(result: Transformed) -> pa.Table:
    """Per day n_in, n_kept, n_pseudonymous, n_anonymous; raises UnreconciledDayError when n_in is not accounted for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = result.days
    for name, source in (("n_pseudonymous", result.pseudonymous), ("n_anonymous", result.anonymous)):
        counts = {row["values"]: row["counts"] for row in pc.value_counts(source["event_day"]).to_pylist()}
        values = [counts.get(day, 0) for day in table["event_day"].to_pylist()]
        table = table.append_column(name, pa.array(values, pa.int64()))
    excluded: Counter[date] = Counter()
    for row in result.exclusions.to_pylist():
        excluded[row["event_day"]] += row["n"] if row["reason"] in ROW_REASONS else 0
    for row in table.to_pylist():
        if row["n_in"] != row["n_kept"] + excluded[row["event_day"]]:
            raise UnreconciledDayError(
                f"event day {row['event_day']}: {row['n_in']} rows read, {row['n_kept']} kept, "
                f"{excluded[row['event_day']]} excluded; nothing was written, report this"
            )
    return table


def _add(report: TransformReport, days: list[date], result: Transformed) -> None:
    report.n_in += sum(result.days["n_in"].to_pylist())
    report.n_kept += sum(result.days["n_kept"].to_pylist())
    report.n_pseudonymous += result.pseudonymous.num_rows
    report.n_anonymous += result.anonymous.num_rows
    paths = zip(result.unknown_paths["event_type"].to_pylist(), result.unknown_paths["path"].to_pylist(), strict=True)
    report.n_unknown_paths += len(set(paths))
    for row in result.exclusions.to_pylist():
        report.exclusions[row["reason"]] += row["n"]
    report.days += days
