"""Per-row facts of a batch before any payload is read: consent, label, reason to leave it out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy import decisions as consent
from privacy import labels
from privacy.arrays import one
from privacy.census import Census
from privacy.plan import Plan
from privacy.policy import CLASSES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

SENSITIVE = CLASSES.index("sensitive")
PERSONAL = CLASSES.index("personal")
# Why a whole row is left out; '' is a row that is kept. Everything else in safe.exclusions is about one path of a row.
ROW_REASONS = ("", "sensitive_event", "no_consent", "personal_without_sharing", "invalid_json", "too_few_people")
PATH_REASONS = ("unknown_path", "type_mismatch", "unsafe_label", "sensitive_path", "ruled_out", "no_mask", "no_key")


@dataclass(frozen=True, slots=True)
class Rows:
    """Per-row facts of a batch in input order, as numpy arrays, and its cleaned labels."""

    days: npt.NDArray[np.int32]
    held: npt.NDArray[np.uint8]
    reasons: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.int8]
    subject_codes: npt.NDArray[np.int64]
    subjects: pa.Array
    labels: dict[str, pa.DictionaryArray]
    unsafe: dict[str, npt.NDArray[np.bool_]]


def examine(batch: pa.Table, decisions: pa.Table) -> Rows:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    users = one(batch["user_id"]).dictionary_encode()
    codes = users.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    created = one(batch["created_at"]).cast(pa.int64()).to_numpy()
    held = consent.purposes_held(users.dictionary, codes, created, _taken_in(batch), decisions)
    levels = pc.index_in(batch["data_classification"], value_set=pa.array(CLASSES)).fill_null(SENSITIVE)
    levels = one(levels).to_numpy().astype(np.int8)
    reasons = np.zeros(len(codes), dtype=np.uint8)
    reasons[(levels == PERSONAL) & (held & consent.SHARING_BIT == 0)] = 3
    reasons[held == 0] = 2
    reasons[levels == SENSITIVE] = 1
    clean = {name: labels.cleaned(batch[name], nullable=name == "component") for name in labels.COLUMNS}
    return Rows(
        one(batch["event_day"]).cast(pa.int32()).to_numpy(),
        held,
        reasons,
        levels,
        codes,
        users.dictionary,
        {name: column for name, (column, _) in clean.items()},
        {name: unsafe for name, (_, unsafe) in clean.items()},
    )


def _taken_in(batch: pa.Table) -> npt.NDArray[np.int64]:
    """When Lethe took each event in, in microseconds: later than the receipt that a source states for its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    received = batch["received_at"]
    if "imported_at" in batch.column_names:
        received = pc.coalesce(batch["imported_at"], received)
    return one(received).cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Piece:
    """The result of one (event type, label): row numbers in the batch, the plan's output for them, the census."""

    at: npt.NDArray[np.int64]
    result: pa.Table
    event_type: str
    plan: Plan
    census: Census
