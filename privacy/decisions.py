"""Which purposes hold for an event: the consent rule, set-based and pure. The ledger is consent.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PURPOSES_KEPT = ("analytics", "model_training", "personalization")
SHARING = "sharing"
CARRIED = (*PURPOSES_KEPT, SHARING)
ALL_HOLD = (1 << len(CARRIED)) - 1
SHARING_BIT = 1 << CARRIED.index(SHARING)
NEVER = (1 << 63) - 1

COLUMNS = ("subject", "purpose", "decision", "decided_at", "received_at", "consent_event_id")


def purposes_held(
    subjects: pa.Array,
    codes: npt.NDArray[np.int64],
    created: npt.NDArray[np.int64],
    received: npt.NDArray[np.int64],
    decisions: pa.Table,
) -> npt.NDArray[np.uint8]:
    """A bit per carried purpose for every event.

    subjects: the distinct subjects; codes: per event the index into them, -1 for events that are nobody's;
    created, received: microseconds; decisions: the subjects' ledger rows (columns of COLUMNS).
    A purpose holds when the latest decision with decided_at <= created and received_at <= received is a grant,
    and the latest decision of all is a grant as well. Latest: by decided_at, then by consent_event_id.
    """
    import numpy as np

    held = np.zeros(len(codes), dtype=np.uint8)
    held[codes < 0] = ALL_HOLD
    simple, complicated = _split(subjects, decisions)
    has_subject = np.flatnonzero(codes >= 0)
    at, created_of, received_of = codes[has_subject], created[has_subject], received[has_subject]
    bits = np.zeros(len(at), dtype=np.uint8)
    for bit, (decided, known) in simple.items():
        bits |= ((decided[at] <= created_of) & (known[at] <= received_of)).astype(np.uint8) << np.uint8(bit)
    held[has_subject] = bits
    if complicated:
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        for (code, bit), history in complicated.items():
            rows = order[np.searchsorted(ordered, code) : np.searchsorted(ordered, code, side="right")]
            held[rows[_replay(history, created[rows], received[rows])]] |= np.uint8(1 << bit)
    return held


def _split(
    subjects: pa.Array, decisions: pa.Table
) -> tuple[dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], dict[tuple[int, int], pa.Table]]:
    """Single grants as two arrays over subjects per purpose; longer histories that end in a grant as they are."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pa.table(
        {
            "code": pc.index_in(decisions["subject"], value_set=subjects),
            "bit": pc.index_in(decisions["purpose"], value_set=pa.array(CARRIED)),
            "grant": pc.equal(decisions["decision"], "grant"),
            "decided": pc.cast(decisions["decided_at"], pa.int64()),
            "known": pc.cast(decisions["received_at"], pa.int64()),
            "event_id": decisions["consent_event_id"],
        }
    ).drop_null()
    coded = coded.sort_by(
        [("code", "ascending"), ("bit", "ascending"), ("decided", "ascending"), ("event_id", "ascending")]
    )
    table = {name: coded[name].to_numpy() for name in ("code", "bit", "grant", "decided", "known")}
    pair = table["code"].astype(np.int64) * len(CARRIED) + table["bit"]
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    ends = np.append(starts[1:], len(pair))[: len(starts)]
    still = table["grant"][ends - 1].astype(np.bool_)
    starts, ends = starts[still], ends[still]
    single = starts[ends - starts == 1]
    simple = {bit: _grants(len(subjects), single[table["bit"][single] == bit], table) for bit in range(len(CARRIED))}
    longer = [(start, end) for start, end in zip(starts, ends, strict=True) if end - start > 1]
    return simple, {(int(table["code"][a]), int(table["bit"][a])): coded.slice(a, b - a) for a, b in longer}


def _grants(
    n_subjects: int, rows: npt.NDArray[np.int64], table: dict[str, npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    import numpy as np

    decided = np.full(n_subjects, NEVER, dtype=np.int64)
    known = np.full(n_subjects, NEVER, dtype=np.int64)
    decided[table["code"][rows]] = table["decided"][rows]
    known[table["code"][rows]] = table["known"][rows]
    return decided, known


def _replay(
    history: pa.Table, created: npt.NDArray[np.int64], received: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Decisions in order, each overriding the earlier ones for the events it was made before and known at."""
    import numpy as np

    holds = np.zeros(len(created), dtype=np.bool_)
    columns = (history[name].to_numpy() for name in ("grant", "decided", "known"))
    for grant, decided, known in zip(*columns, strict=True):
        holds[(decided <= created) & (known <= received)] = grant
    return holds
