"""Training sets: which rows a model learns from and is tested on, and the manifest that proves it. No fitting."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    import psycopg

    from ml.contenders import Frozen

KEYS = ("cutoff_on", "subject", "company", "is_bot")
LABEL = "is_churned"
N_FOLDS = 3
FIRST_MONDAY = date(1970, 1, 5)
FEATURE_WINDOW_DAYS = 90


class TrainingSetError(Exception):
    """A promise of a training set that the data cannot keep; the message says what to do."""


class TooLittleHistoryError(TrainingSetError):
    """Too few cutoffs to train on one part of time and test on a later one."""


class MissingFeaturesError(TrainingSetError):
    """The features table is absent, not readable or has no numeric column."""


class UnusableValueError(TrainingSetError):
    """A feature holds an infinite value, which no model can learn from."""


@dataclass(frozen=True, slots=True)
class TrainingPolicy:
    """Which rows count. train_before and test_from are dates of cutoffs; None takes the newest quarter as test."""

    cutoff_every_days: int = 28
    active_within_days: int = FEATURE_WINDOW_DAYS
    horizon_days: int = 28
    train_before: date | None = None
    test_from: date | None = None
    exclude_bots: bool = True

    def __post_init__(self) -> None:
        if self.cutoff_every_days < 7 or self.cutoff_every_days % 7:
            raise ValueError("cutoff_every_days must be a multiple of 7: features exist at weekly cutoffs")
        if self.active_within_days != FEATURE_WINDOW_DAYS:
            raise ValueError(f"active_within_days must be {FEATURE_WINDOW_DAYS}: features hold those subjects only")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the rows, as told by those who know; blinding_key is of the vault; each set has a key made from it."""

    dbt_manifest_hash: str
    consent_snapshot: str
    raw_partitions: tuple[str, ...]
    code_version: str
    created_at: datetime
    blinding_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to learn from and rows of later cutoffs to test on; folds (n_train,) keep a subject in one fold."""

    train: pd.DataFrame
    test: pd.DataFrame
    folds: NDArray[np.int64]
    n_purged: int


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A frozen set of rows with its manifest. digest covers rows, columns and policy."""

    training_set_id: str
    digest: str
    policy: TrainingPolicy
    columns: tuple[str, ...]
    split: Split
    manifest: Mapping[str, Any]


def build_training_set(conn: psycopg.Connection[Any], policy: TrainingPolicy, provenance: Provenance) -> TrainingSet:
    """Fetch the rows, split them and store the manifest and the blinded subjects (one transaction, idempotent).

    Raises TooLittleHistoryError, MissingFeaturesError or UnusableValueError.
    """
    training_set = freeze(fetch_frame(conn, policy), policy, provenance)
    subjects = set(training_set.split.train["subject"]) | set(training_set.split.test["subject"])
    store(conn, training_set, subjects, provenance)
    return training_set


def freeze(frame: pd.DataFrame, policy: TrainingPolicy, provenance: Provenance) -> TrainingSet:
    """The frame as a training set; pure. Shuffled rows give the same set."""
    frame = frame.sort_values(["cutoff_on", "subject"], ignore_index=True)
    columns = tuple(feature_columns(frame))
    parts = split(frame, policy)
    if parts.train["is_bot"].all() or parts.test["is_bot"].all():
        raise TooLittleHistoryError("all rows to learn from or to test on are of bots; import people's events")
    contents = manifest(frame, columns, policy, provenance, parts)
    digest = digest_of({key: contents[key] for key in ("dataset_digest", "policy", "columns")})
    return TrainingSet(f"churn-{digest[:16]}", digest, policy, columns, parts, contents)


def feature_columns(frame: pd.DataFrame) -> list[str]:
    """Every column that is neither a key nor the label, in order of name."""
    return sorted(set(frame.columns) - {*KEYS, LABEL})


def split(frame: pd.DataFrame, policy: TrainingPolicy) -> Split:
    """Split by time. A training cutoff whose horizon reaches beyond the first test cutoff is purged."""
    cutoffs = sorted(set(frame["cutoff_on"]))
    test_from = policy.test_from or _default_test_from(cutoffs)
    tests = [c for c in cutoffs if c >= test_from]
    horizon = timedelta(days=policy.horizon_days)
    before = min(policy.train_before or test_from, test_from)
    trains = [c for c in cutoffs if c < before and tests and c + horizon <= tests[0]]
    if not trains or not tests:
        raise TooLittleHistoryError(
            f"{len(cutoffs)} complete cutoffs leave {len(trains)} to train on and {len(tests)} to test on from "
            f"{test_from}; import a longer history, or choose a smaller cutoff_every_days or an earlier test_from"
        )
    is_train, is_test = frame["cutoff_on"].isin(trains), frame["cutoff_on"].isin(tests)
    train = frame[is_train].reset_index(drop=True)
    return Split(
        train, frame[is_test].reset_index(drop=True), folds_of(train["subject"]), int((~is_train & ~is_test).sum())
    )


def folds_of(subjects: pd.Series[str]) -> NDArray[np.int64]:
    """The validation fold (0..N_FOLDS-1) of each row, from the subject alone: (n,)."""
    unique, codes = np.unique(subjects.to_numpy(str), return_inverse=True)
    fold = [int.from_bytes(hashlib.sha256(s.encode()).digest()[:8], "big") % N_FOLDS for s in unique]
    return np.asarray(fold, dtype=np.int64)[codes.ravel()]


def manifest(
    frame: pd.DataFrame, columns: tuple[str, ...], policy: TrainingPolicy, provenance: Provenance, parts: Split
) -> dict[str, Any]:
    """What the set is made of, without a single value of a row."""
    return {
        "columns": list(columns),
        "cutoffs": {
            name: sorted({day.isoformat() for day in rows["cutoff_on"]})
            for name, rows in (("train", parts.train), ("test", parts.test))
        },
        "policy": {key: _text(value) for key, value in asdict(policy).items()},
        "n_rows": {"train": len(parts.train), "test": len(parts.test), "purged": parts.n_purged},
        "n_bot_rows": {"train": int(parts.train["is_bot"].sum()), "test": int(parts.test["is_bot"].sum())},
        "n_subjects": int(frame["subject"].nunique()),
        "dataset_digest": dataset_digest(frame, columns),
        **origin(provenance),
    }


def origin(provenance: Provenance) -> dict[str, Any]:
    """What made the rows, as every manifest states it."""
    return {
        "dbt_manifest_hash": provenance.dbt_manifest_hash,
        "consent_snapshot": provenance.consent_snapshot,
        "raw_partitions": list(provenance.raw_partitions),
        "code_version": provenance.code_version,
    }


def dataset_digest(frame: pd.DataFrame, columns: tuple[str, ...]) -> str:
    """SHA-256 over the Arrow stream of all rows (keys, features by name, label), without schema metadata."""
    import pyarrow as pa

    ordered = frame[["cutoff_on", "subject", "is_bot", *columns, LABEL]]
    table = pa.Table.from_pandas(ordered, preserve_index=False).replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON document in canonical form."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def blind(subjects: list[str], key: bytes) -> list[bytes]:
    """One HMAC-SHA256 per subject; only who holds the set's key can tell whether a person was in it."""
    return [hmac.digest(key, subject.encode(), "sha256") for subject in subjects]


def set_key(blinding_key: bytes, training_set_id: str) -> bytes:
    """The key of one set (HMAC-SHA256 of its id), so that nobody can be followed from set to set without the vault."""
    return hmac.digest(blinding_key, training_set_id.encode(), "sha256")


def fetch_frame(conn: psycopg.Connection[Any], policy: TrainingPolicy) -> pd.DataFrame:
    """Features and labels at every cutoff_every_days, ordered by cutoff and subject."""
    names = discover_columns(conn)
    every = policy.cutoff_every_days // 7
    thinned = f"((f.cutoff_on - date '{FIRST_MONDAY}') / 7) % {every} = 0"
    join = f"join features.lbl_user_churn l using (cutoff_on, subject) where {thinned}"
    return read_rows(conn, names, f", l.{LABEL}", join)


def discover_columns(conn: psycopg.Connection[Any]) -> list[str]:
    """The numeric columns of the features table besides its keys, in order of name."""
    rows = conn.execute(
        "select a.attname from pg_attribute a join pg_type t on t.oid = a.atttypid"
        " where a.attrelid = to_regclass('features.ftr_user_weekly') and a.attnum > 0 and not a.attisdropped"
        " and t.typcategory = 'N' and a.attname <> all (%s) order by a.attname collate \"C\"",
        [list(KEYS)],
    ).fetchall()
    if not rows:
        raise MissingFeaturesError("features.ftr_user_weekly has no numeric column to read; run dbt build first")
    return [str(name) for (name,) in rows]


def read_rows(conn: psycopg.Connection[Any], names: list[str], extra: str, tail: str) -> pd.DataFrame:
    """Rows of the features table (alias f) as a frame: keys, features as float64, then the extra columns."""
    import pyarrow as pa

    from warehouse.arrow import read_table

    quoted = ", ".join('f."{}"::double precision'.format(name.replace('"', '""')) for name in names)
    query = (
        f"select f.cutoff_on, f.subject, f.company, f.is_bot, {quoted}{extra}"
        f' from features.ftr_user_weekly f {tail} order by f.cutoff_on, f.subject collate "C"'
    )
    keys = [("cutoff_on", pa.date32()), ("subject", pa.string()), ("company", pa.string()), ("is_bot", pa.bool_())]
    label = [(LABEL, pa.bool_())] if extra else []
    schema = pa.schema([*keys, *((name, pa.float64()) for name in names), *label])
    frame: pd.DataFrame = read_table(conn, query, schema).to_pandas(date_as_object=True)
    _refuse_infinite(frame, names)
    return frame


def store(
    conn: psycopg.Connection[Any], training_set: Frozen, subjects: Collection[str], provenance: Provenance
) -> None:
    """Write the manifest and the blinded subjects, once per set of whatever model, in one transaction."""
    contents = dict(training_set.manifest)
    counts = contents["n_rows"]
    with conn.transaction():
        written = conn.execute(
            "insert into ml.training_sets (training_set_id, digest, manifest, n_rows, n_subjects, created_at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict do nothing returning 1",
            [
                training_set.training_set_id, training_set.digest, json.dumps(contents),
                counts["train"] + counts["test"], contents["n_subjects"], provenance.created_at,
            ],
        ).fetchone()  # fmt: skip
        if written:
            with conn.cursor().copy("copy ml.training_subjects from stdin") as copy:
                key = set_key(provenance.blinding_key, training_set.training_set_id)
                for token in blind(sorted(subjects), key):
                    copy.write_row((training_set.training_set_id, token))
    conn.commit()


def _default_test_from(cutoffs: list[date]) -> date:
    if len(cutoffs) < 2:
        raise TooLittleHistoryError(
            f"{len(cutoffs)} complete cutoffs are too few to train and test; import a longer history"
        )
    return cutoffs[-max(1, round(len(cutoffs) / 4))]


def _refuse_infinite(frame: pd.DataFrame, names: list[str]) -> None:
    bad = [name for name in names if np.isinf(frame[name].to_numpy(np.float64)).any()]
    if bad:
        raise UnusableValueError(f"infinite values in {', '.join(bad)}; guard the division in the dbt model")


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
