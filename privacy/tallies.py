"""Counts of one batch: rows in and kept per day, exclusions by reason, unknown paths. Counts only, no values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from privacy.errors import UnreconciledDayError
from privacy.rows import ROW_REASONS, Piece, Rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def day_sums(rows: Rows, pieces: list[Piece]) -> pa.Table:
    """Rows in, kept and excluded per day; raises UnreconciledDayError when they do not add up."""
    import numpy as np
    import pyarrow as pa

    at = np.concatenate([piece.at for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    at = at[rows.reasons[at] == 0]
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


def exclusions(rows: Rows, pieces: list[Piece]) -> pa.Table:
    import numpy as np

    total: Counter[tuple[int, str, str, str]] = Counter()
    types = rows.labels["event_type"]
    for name, unsafe in rows.unsafe.items():
        _tally(total, rows, np.flatnonzero(unsafe & (rows.reasons == 0)), types, "unsafe_label", name)
    for code, reason in enumerate(ROW_REASONS[1:], 1):
        _tally(total, rows, np.flatnonzero(rows.reasons == code), types, reason, "")
    for piece in pieces:
        event_type, plan, census = piece.event_type, piece.plan, piece.census
        for (day, _), n in census.with_unknown.items():
            total[day, "unknown_path", event_type, ""] += n
        for (day, path), n in census.mismatched.items():
            total[day, "type_mismatch", event_type, path] += n
        for (day, path), n in census.present.items():
            total[day, plan.dropped[path], event_type, path] += n
    return _counted(total, ("event_day", "reason", "event_type", "path", "n"))


def _tally(
    total: Counter[tuple[int, str, str, str]],
    rows: Rows,
    at: npt.NDArray[np.int64],
    types: pa.DictionaryArray,
    reason: str,
    path: str,
) -> None:
    import numpy as np

    names = types.dictionary.to_pylist()
    pairs = rows.days[at].astype(np.int64) * len(names) + types.indices.to_numpy()[at]
    for pair, n in zip(*np.unique(pairs, return_counts=True), strict=True):
        day, code = divmod(int(pair), len(names))
        total[day, reason, names[code], path] += int(n)


def unknown_paths(pieces: list[Piece]) -> pa.Table:
    total: Counter[tuple[str, str, int]] = Counter()
    for piece in pieces:
        for (day, path), n in piece.census.unknown.items():
            total[piece.event_type, path, day] += n
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
