"""The privacy transform of one batch: Arrow in, Arrow out, set-based, no I/O. Keys, tokens and consent are arguments.

The output depends on the rows and the policy only, not on their order: it is sorted by event day and keyed event id.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy import decisions as consent
from privacy import labels
from privacy.census import Census, take_census
from privacy.errors import KernelFailureError, MissingTokenError, UnreconciledDayError
from privacy.plan import Plan, compile_plan
from privacy.policy import CLASSES, CompiledPolicy
from privacy.pseudonyms import Keyring, domain_key, encoded, token, tokens_of

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

SENSITIVE = CLASSES.index("sensitive")
PERSONAL = CLASSES.index("personal")
ROW_REASONS = ("", "sensitive_event", "no_consent", "personal_without_sharing", "invalid_json")
PATH_REASONS = ("unknown_path", "type_mismatch", "unsafe_label", "sensitive_path", "ruled_out", "no_mask")
PURPOSE_BITS = (1 << len(consent.PURPOSES_KEPT)) - 1
HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Transformed:
    """What one batch became. exclusions: counts per (event_day, reason, event_type, path); days: the sums per day."""

    pseudonymous: pa.Table
    anonymous: pa.Table
    exclusions: pa.Table
    unknown_paths: pa.Table
    days: pa.Table


@dataclass(frozen=True, slots=True)
class _Rows:
    """Per-row facts of a batch in input order, as numpy arrays, and its cleaned labels."""

    days: npt.NDArray[np.int32]
    held: npt.NDArray[np.uint8]
    reasons: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.int8]
    subject_codes: npt.NDArray[np.int64]
    subjects: pa.Array
    labels: dict[str, pa.Array]
    unsafe: dict[str, npt.NDArray[np.bool_]]


def transform(
    batch: pa.Table,
    policy: CompiledPolicy,
    *,
    keyring: Keyring,
    subject_tokens: dict[str, str],
    decisions: pa.Table,
    with_census: bool = True,
) -> Transformed:
    """Let through what consent, label and rules allow.

    batch: the columns of raw.system_logs with data, metadata and client_info as JSON text and times in microseconds;
    subject_tokens: the pseudonym of every user_id; decisions: the ledger rows of these subjects (decisions.COLUMNS).
    Raises MissingTokenError when a kept row's subject has no token, UnreconciledDayError when counts do not add up,
    KernelFailureError when DuckDB fails.
    """
    import duckdb

    batch = batch.combine_chunks()
    rows = _examine(batch, decisions)
    try:
        pieces, counts = _run_groups(batch, rows, policy, keyring, with_census=with_census)
    except duckdb.Error as error:
        kind = type(error).__name__
    else:
        days = _days(rows, pieces)
        shaped = _assemble(batch, rows, pieces, keyring, subject_tokens)
        return Transformed(*shaped, _exclusions(rows, counts), _unknown(counts), days)
    # DuckDB's messages quote values; this one is raised outside the handler so that no traceback carries them.
    raise KernelFailureError(f"DuckDB refused the batch with {kind}; its message is withheld because it quotes events")


def _examine(batch: pa.Table, decisions: pa.Table) -> _Rows:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    users = _one(batch["user_id"]).dictionary_encode()
    codes = users.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    created, received = (_one(batch[name]).cast(pa.int64()).to_numpy() for name in ("created_at", "received_at"))
    held = consent.purposes_held(users.dictionary, codes, created, received, decisions)
    levels = pc.index_in(batch["data_classification"], value_set=pa.array(CLASSES)).fill_null(SENSITIVE)
    levels = _one(levels).to_numpy().astype(np.int8)
    reasons = np.zeros(len(codes), dtype=np.uint8)
    reasons[(levels == PERSONAL) & (held & consent.SHARING_BIT == 0)] = 3
    reasons[held == 0] = 2
    reasons[levels == SENSITIVE] = 1
    clean = {name: labels.cleaned(batch[name], nullable=name == "component") for name in labels.COLUMNS}
    return _Rows(
        _one(batch["event_day"]).cast(pa.int32()).to_numpy(),
        held,
        reasons,
        levels,
        codes,
        users.dictionary,
        {name: column for name, (column, _) in clean.items()},
        {name: unsafe for name, (_, unsafe) in clean.items()},
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """The result of one (event type, label): row numbers in the batch, and the plan's output for them."""

    at: npt.NDArray[np.int64]
    result: pa.Table
    event_type: str
    plan: Plan


def _run_groups(
    batch: pa.Table, rows: _Rows, policy: CompiledPolicy, keyring: Keyring, *, with_census: bool
) -> tuple[list[_Piece], list[tuple[str, Plan, Census]]]:
    """Run every (event type, label) group of the kept rows through its plan; invalid JSON is excluded on the way."""
    import numpy as np

    kept = np.flatnonzero(rows.reasons == 0)
    types = rows.labels["event_type"].dictionary_encode()
    group = types.indices.to_numpy()[kept].astype(np.int64) * len(CLASSES) + rows.levels[kept]
    order = np.argsort(group, kind="stable")
    kept, group = kept[order], group[order]
    bounds = np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(group))
    narrow = _narrow(batch, rows, kept)
    pieces, counts = [], []
    with _connection(keyring) as connection:
        for start, end in zip(bounds[:-1], bounds[1:], strict=True):
            event_type = types.dictionary[int(group[start]) // len(CLASSES)].as_py()
            plan = compile_plan(policy, event_type, int(group[start]) % len(CLASSES), with_census=with_census)
            at, group_rows, result = _run(
                connection, plan, narrow.slice(start, end - start), kept[start:end], rows.reasons
            )
            pieces.append(_Piece(at, result, event_type, plan))
            counts.append((event_type, plan, take_census(connection, plan, result, group_rows, rows.days[at])))
    return pieces, counts


def _narrow(batch: pa.Table, rows: _Rows, at: npt.NDArray[np.int64]) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    taken = batch.select(["source", "id", "data", "metadata", "client_info"])
    if len(at) < batch.num_rows or (len(at) and not np.array_equal(at, np.arange(len(at)))):
        taken = taken.take(pa.array(at))
    key = pc.binary_join_element_wise(taken["source"].cast(pa.string()), taken["id"].cast(pa.string()), "\x1f")
    shares = pa.array((rows.held[at] & consent.SHARING_BIT) != 0)
    return taken.drop_columns(["source", "id"]).append_column("k", key).append_column("want_anonymous", shares)


def _run(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    group: pa.Table,
    at: npt.NDArray[np.int64],
    reasons: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.int64], pa.Table, pa.Table]:
    import duckdb
    import pyarrow as pa

    try:
        return at, group, _execute(connection, plan, group)
    except duckdb.InvalidInputException:
        pass  # its message quotes the event, so it is left behind; rows that are no JSON are excluded below
    valid = " and ".join(f"coalesce(json_valid({root}), true)" for root in plan.trees)
    ok = connection.sql(f"select {valid} as ok from batch").to_arrow_table()["ok"].to_numpy()
    reasons[at[~ok]] = ROW_REASONS.index("invalid_json")
    group = group.filter(pa.array(ok))
    return at[ok], group, _execute(connection, plan, group)


def _execute(connection: duckdb.DuckDBPyConnection, plan: Plan, group: pa.Table) -> pa.Table:
    connection.register("batch", group)
    return connection.sql(plan.sql).to_arrow_table()


def _connection(keyring: Keyring) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    # Keys travel as parameters: text of a statement can end up in an error message.
    field = domain_key(keyring.pseudonymous, "field")
    variables: dict[str, object] = {
        "event_key": domain_key(keyring.pseudonymous, "event").hex()[:32],
        "anonymous_event_key": domain_key(keyring.anonymous, "event").hex()[:32],
        "field_ipad": bytes(b ^ 0x36 for b in field.ljust(hashlib.sha256().block_size, b"\0")),
        "field_opad": bytes(b ^ 0x5C for b in field.ljust(hashlib.sha256().block_size, b"\0")),
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = $1", [value])
    return connection


def _assemble(
    batch: pa.Table, rows: _Rows, pieces: list[_Piece], keyring: Keyring, tokens: dict[str, str]
) -> tuple[pa.Table, pa.Table]:
    import numpy as np
    import pyarrow as pa

    names = ("event_id", "anonymous_id", "data", "anonymous_data")
    columns = {name: [] for name in names}
    for piece in pieces:
        for name in names:
            source = name if name in piece.result.column_names else "data"
            columns[name].append(piece.result[source])
    at = np.concatenate([piece.at for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    joined = {
        name: pa.chunked_array([c for part in parts for c in part.chunks], pa.string())
        for name, parts in columns.items()
    }
    pseudonymous = np.flatnonzero((rows.levels[at] < PERSONAL) & ((rows.held[at] & PURPOSE_BITS) != 0))
    anonymous = np.flatnonzero((rows.held[at] & consent.SHARING_BIT) != 0)
    return (
        _pseudonymous(batch, rows, joined, at, pseudonymous, keyring, tokens),
        _anonymous(batch, rows, joined, at, anonymous, keyring),
    )


def _pseudonymous(
    batch: pa.Table,
    rows: _Rows,
    made: dict[str, pa.ChunkedArray],
    at: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    keyring: Keyring,
    tokens: dict[str, str],
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    chosen = chosen[_order(rows.days[at[chosen]], made["event_id"].take(pa.array(chosen)))]
    source = at[chosen]
    codes = rows.subject_codes[source]
    subject = _subject_tokens(rows.subjects, codes, tokens)
    purposes = _purpose_lists().take(pa.array(rows.held[source] & np.uint8(PURPOSE_BITS | consent.SHARING_BIT)))
    keys = pa.array(source)
    picked = pa.array(chosen)
    own = {
        name: _personal_tokens(keyring.pseudonymous, prefix, subject, codes, _one(batch[column]).take(keys))
        for name, column, prefix in (("persona", "persona_id", "p"), ("session", "session_id", "s"))
    }
    company = _tokens(keyring.pseudonymous, "c", _one(batch["company_id"]).take(keys))
    return pa.table(
        {
            "event_id": made["event_id"].take(picked),
            "subject": subject,
            "persona": own["persona"],
            "company": company,
            "session": own["session"],
            **{name: rows.labels[name].take(keys) for name in labels.COLUMNS},
            "data": made["data"].take(picked),
            "occurred_at": _one(batch["created_at"]).take(keys),
            "received_at": _one(batch["received_at"]).take(keys),
            "event_day": _one(batch["event_day"]).take(keys),
            "purposes": purposes,
        }
    )


def _anonymous(
    batch: pa.Table,
    rows: _Rows,
    made: dict[str, pa.ChunkedArray],
    at: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    keyring: Keyring,
) -> pa.Table:
    import pyarrow as pa

    chosen = chosen[_order(rows.days[at[chosen]], made["anonymous_id"].take(pa.array(chosen)))]
    keys, picked = pa.array(at[chosen]), pa.array(chosen)
    created = _one(batch["created_at"]).take(keys)
    hours = created.cast(pa.int64()).to_numpy() // HOUR * HOUR
    return pa.table(
        {
            "anonymous_id": made["anonymous_id"].take(picked),
            "company": _tokens(keyring.anonymous, "c", _one(batch["company_id"]).take(keys)),
            **{name: rows.labels[name].take(keys) for name in labels.COLUMNS},
            "data": made["anonymous_data"].take(picked),
            "occurred_hour": pa.array(hours).cast(created.type),
            "event_day": _one(batch["event_day"]).take(keys),
        }
    )


def _order(days: npt.NDArray[np.int32], ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Positions sorted by day, then id: the id sort first, the day sort is stable."""
    import numpy as np
    import pyarrow.compute as pc

    by_id = pc.sort_indices(ids).to_numpy().astype(np.int64)
    return by_id if len(days) == 0 or days.min() == days.max() else by_id[np.argsort(days[by_id], kind="stable")]


def _subject_tokens(subjects: pa.Array, codes: npt.NDArray[np.int64], tokens: dict[str, str]) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    needed = np.unique(codes[codes >= 0])
    made: list[str | None] = [None] * len(subjects)
    for code in needed:
        if (text := tokens.get(subjects[int(code)].as_py())) is None:
            raise MissingTokenError("a subject of the batch has no pseudonym; make tokens for every user_id of it")
        made[int(code)] = text
    return pa.array(made, pa.string()).take(pa.array(codes, mask=codes < 0))


def _personal_tokens(
    key: bytes, prefix: str, subject: pa.Array, codes: npt.NDArray[np.int64], ids: pa.Array
) -> pa.Array:
    """Tokens under the subject's own token, so that they die with its salt; one HMAC per distinct (subject, id)."""
    import numpy as np
    import pyarrow as pa

    if ids.null_count == len(ids):
        return pa.nulls(len(ids), pa.string())
    words = ids.dictionary_encode()
    at = words.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    pair = (codes + 1) * len(words.dictionary) + at
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    owners, values = subject.take(pa.array(first)).to_pylist(), words.dictionary.to_pylist()
    chosen = (values[code] for code in at[first].tolist())
    made = tokens_of(key, prefix, zip((owner or "" for owner in owners), chosen, strict=True))
    missing = ids.is_null().to_numpy(zero_copy_only=False)
    return pa.array(made, pa.string()).take(pa.array(inverse, mask=missing))


def _tokens(key: bytes, prefix: str, ids: pa.Array) -> pa.Array:
    import pyarrow as pa

    words = ids.dictionary_encode()
    made = [token(key, prefix, encoded(word)) for word in words.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(words.indices)


def _purpose_lists() -> pa.Array:
    import pyarrow as pa

    held = [
        [p for bit, p in enumerate(consent.CARRIED) if mask >> bit & 1] for mask in range(1 << len(consent.CARRIED))
    ]
    return pa.array(held, pa.list_(pa.string()))


def _days(rows: _Rows, pieces: list[_Piece]) -> pa.Table:
    """Rows in, kept and excluded per day; raises UnreconciledDayError when they do not add up."""
    import numpy as np
    import pyarrow as pa

    at = np.concatenate([piece.at for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    days, inverse = np.unique(rows.days, return_inverse=True)
    n = len(days)
    n_in = np.bincount(inverse, minlength=n)
    n_kept = np.bincount(inverse[at], minlength=n)
    n_excluded = np.bincount(inverse[rows.reasons != 0], minlength=n)
    if (n_in != n_kept + n_excluded).any():
        raise UnreconciledDayError(
            "rows read differ from rows kept plus rows excluded; nothing was written, report this"
        )
    return pa.table({"event_day": pa.array(days, pa.int32()).cast(pa.date32()), "n_in": n_in, "n_kept": n_kept})


def _exclusions(rows: _Rows, counts: list[tuple[str, Plan, Census]]) -> pa.Table:
    import numpy as np

    total: Counter[tuple[int, str, str, str]] = Counter()
    types = rows.labels["event_type"]
    for name, unsafe in rows.unsafe.items():
        _tally(total, rows, np.flatnonzero(unsafe & (rows.reasons == 0)), types, "unsafe_label", name)
    for code, reason in enumerate(ROW_REASONS[1:], 1):
        _tally(total, rows, np.flatnonzero(rows.reasons == code), types, reason, "")
    for event_type, plan, census in counts:
        for day, n in census.with_unknown.items():
            total[day, "unknown_path", event_type, ""] += n
        for (day, path), n in census.mismatched.items():
            total[day, "type_mismatch", event_type, path] += n
        for (day, path), n in census.present.items():
            total[day, plan.dropped[path], event_type, path] += n
    return _counted(total, ("event_day", "reason", "event_type", "path", "n"))


def _tally(
    total: Counter[tuple[int, str, str, str]],
    rows: _Rows,
    at: npt.NDArray[np.int64],
    types: pa.Array,
    reason: str,
    path: str,
) -> None:
    import pyarrow as pa

    names = types.take(pa.array(at)).to_pylist()
    for (day, name), n in Counter(zip(rows.days[at].tolist(), names, strict=True)).items():
        total[day, reason, name, path] += n


def _unknown(counts: list[tuple[str, Plan, Census]]) -> pa.Table:
    total: Counter[tuple[str, str, int]] = Counter()
    for event_type, _, census in counts:
        for (day, path), n in census.unknown.items():
            total[event_type, path, day] += n
    return _counted(total, ("event_type", "path", "event_day", "n_events"))


def _counted(
    total: Counter[tuple[int, str, str, str]] | Counter[tuple[str, str, int]], names: tuple[str, ...]
) -> pa.Table:
    import pyarrow as pa

    rows = sorted((*key, n) for key, n in total.items() if n)
    arrays = []
    for i, name in enumerate(names):
        values = [row[i] for row in rows]
        if name == "event_day":
            arrays.append(pa.array(values, pa.int32()).cast(pa.date32()))
        else:
            arrays.append(pa.array(values, pa.int64() if name in ("n", "n_events") else pa.string()))
    return pa.table(dict(zip(names, arrays, strict=True)))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
