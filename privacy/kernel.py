"""The privacy transform of one batch: Arrow in, Arrow out, set-based, no I/O. Keys, tokens and consent are arguments.

The output depends on the rows and the policy only, not on their order: it is sorted by event day and keyed event id.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from privacy import decisions as consent
from privacy.census import take_census
from privacy.engine import Engine, engine
from privacy.errors import KernelFailureError
from privacy.plan import Plan, compile_plan
from privacy.policy import CLASSES, ROOTS, CompiledPolicy
from privacy.pseudonyms import Keyring
from privacy.rows import ROW_REASONS, Piece, Rows, examine
from privacy.safe_tables import assemble
from privacy.tallies import day_sums, exclusions, unknown_paths

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Transformed:
    """What one batch became. exclusions: counts per (event_day, reason, event_type, path); days: the sums per day."""

    pseudonymous: pa.Table
    anonymous: pa.Table
    exclusions: pa.Table
    unknown_paths: pa.Table
    days: pa.Table


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
    Anonymous rows stay where policy.k people share a class, which needs batches of whole event days.
    Raises MissingTokenError when a kept row's subject has no token, UnreconciledDayError when counts do not add up,
    KernelFailureError when DuckDB fails.
    """
    import duckdb

    batch = batch.combine_chunks()
    rows = examine(batch, decisions)
    try:
        pieces = _run_groups(batch, rows, policy, keyring, with_census=with_census)
    except duckdb.Error as error:
        kind = type(error).__name__
    else:
        pseudonymous, anonymous, lost = assemble(batch, rows, pieces, keyring, subject_tokens, policy.k)
        rows.reasons[lost] = ROW_REASONS.index("too_few_people")
        days = day_sums(rows, pieces)
        return Transformed(pseudonymous, anonymous, exclusions(rows, pieces), unknown_paths(pieces), days)
    # DuckDB's messages quote values; this one is raised outside the handler so that no traceback carries them.
    raise KernelFailureError(f"DuckDB refused the batch with {kind}; its message is withheld because it quotes events")


def _run_groups(
    batch: pa.Table, rows: Rows, policy: CompiledPolicy, keyring: Keyring, *, with_census: bool
) -> list[Piece]:
    """Run every (event type, label) group of the kept rows through its plan; invalid JSON is excluded on the way."""
    import numpy as np

    kept = np.flatnonzero(rows.reasons == 0)
    types = rows.labels["event_type"]
    group = types.indices.to_numpy()[kept].astype(np.int64) * len(CLASSES) + rows.levels[kept]
    order = np.argsort(group, kind="stable")
    kept, group = kept[order], group[order]
    bounds = np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(group))
    narrow = _narrow(batch, rows, kept)
    pieces = []
    with engine(keyring) as current:
        for start, end in pairwise(bounds):
            event_type = types.dictionary[int(group[start]) // len(CLASSES)].as_py()
            plan = compile_plan(policy, event_type, int(group[start]) % len(CLASSES), with_census=with_census)
            at, group_rows, result = _run(
                current, plan, narrow.slice(start, end - start), kept[start:end], rows.reasons
            )
            census = take_census(current.connection, plan, result, group_rows, rows.days[at])
            pieces.append(Piece(at, result, event_type, plan, census))
    return pieces


def _narrow(batch: pa.Table, rows: Rows, at: npt.NDArray[np.int64]) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    taken = batch.select(list(ROOTS))
    if len(at) < batch.num_rows or (len(at) and not np.array_equal(at, np.arange(len(at)))):
        taken = taken.take(pa.array(at))
    shares = pa.array((rows.held[at] & consent.SHARING_BIT) != 0)
    schema = pa.schema([*((root, pa.string()) for root in ROOTS), ("want_anonymous", pa.bool_())])
    return taken.append_column("want_anonymous", shares).cast(schema)


def _run(
    current: Engine, plan: Plan, group: pa.Table, at: npt.NDArray[np.int64], reasons: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], pa.Table, pa.Table]:
    import duckdb
    import pyarrow as pa

    try:
        return at, group, current.run(plan.sql, group)
    except duckdb.InvalidInputException:
        pass  # its message quotes the event, so it is left behind; rows that are no JSON are excluded below
    valid = " and ".join(f"coalesce(json_valid({root}), true)" for root in plan.trees)
    ok = current.run(f"select {valid} as ok from batch", group)["ok"].to_numpy()
    reasons[at[~ok]] = ROW_REASONS.index("invalid_json")
    group = group.filter(pa.array(ok))
    return at[ok], group, current.run(plan.sql, group)
