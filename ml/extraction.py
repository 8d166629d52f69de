"""Extracts a feature set's rows of a time range into ml.extracted_features, in the database. It defines no feature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ml.feature_sets import FeatureInputError, FeatureSet
from ml.training_sets import MissingFeaturesError

if TYPE_CHECKING:
    import psycopg

TRAINING = "model_training"


class EmptyRangeError(FeatureInputError):
    """The range of cutoffs ends before it begins."""


class WrongPurposeError(FeatureInputError):
    """The set is made of events that nobody agreed to train on."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extraction left in the table, and what it changed there to get so."""

    feature_set: str
    version: str
    n_rows: int
    n_written: int
    n_removed: int


_REMOVE = """
delete from ml.extracted_features as e
where e.feature_set = %(name)s and e.version = %(version)s and e.cutoff_on >= %(start)s and e.cutoff_on < %(end)s
  and not exists (select from {table} as f where f.{cutoff} = e.cutoff_on and f.{entity} = e.entity)
"""
_WRITE = """
insert into ml.extracted_features as e (entity, feature_set, version, cutoff_on, "values", extracted_at)
select f.{entity}, %(name)s, %(version)s, f.{cutoff}, to_jsonb(f) - %(left_out)s::text[], %(at)s
from {table} as f
where f.{cutoff} >= %(start)s and f.{cutoff} < %(end)s
on conflict (feature_set, version, cutoff_on, entity) do update
set "values" = excluded."values", extracted_at = excluded.extracted_at
where e."values" is distinct from excluded."values"
"""
_COUNT = """
select count(*) from ml.extracted_features
where feature_set = %(name)s and version = %(version)s and cutoff_on >= %(start)s and cutoff_on < %(end)s
"""


def extract(
    conn: psycopg.Connection[Any], feature_set: FeatureSet, start: date, end: date, *, extracted_at: datetime
) -> Extraction:
    """Make the table hold exactly the set's rows of cutoffs in [start, end), in one transaction; again changes nothing.

    Values that changed are written anew, and rows whose person is gone from the features are removed.
    Raises EmptyRangeError, WrongPurposeError, or MissingFeaturesError where dbt has not built these columns.
    """
    if feature_set.purpose != TRAINING:
        raise WrongPurposeError(
            f"feature set {feature_set.name} is made for {feature_set.purpose}, not for {TRAINING}: no model may learn "
            "from it; choose another, or build one from stg_training_events"
        )
    if start >= end:
        raise EmptyRangeError(f"no cutoff lies from {start} to before {end}: give a later end")
    facts = {"name": feature_set.name, "version": feature_set.version, "start": start, "end": end, "at": extracted_at}
    with conn.transaction():
        facts["left_out"] = _left_out(conn, feature_set)
        n_removed = conn.execute(_statement(_REMOVE, feature_set), facts).rowcount
        n_written = conn.execute(_statement(_WRITE, feature_set), facts).rowcount
        counted = conn.execute(_COUNT, facts).fetchone()
    return Extraction(feature_set.name, feature_set.version, counted[0] if counted else 0, n_written, n_removed)


def features_at(conn: psycopg.Connection[Any], subject: str, moment: date) -> dict[str, Any] | None:
    """The online look-up: the row of ftr_user_weekly as of the beginning of any UTC day, made by dbt's own macros.

    None where the subject had no event in the 90 days before that was known by then.
    """
    cursor = conn.execute("select * from features.user_at(%s, %s)", [subject, moment])
    row = cursor.fetchone()
    names = [column.name for column in cursor.description or ()]
    return dict(zip(names, row, strict=True)) if row else None


def _left_out(conn: psycopg.Connection[Any], feature_set: FeatureSet) -> list[str]:
    """Columns of the table that are no features of the set."""
    rows = conn.execute(
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
        [f"features.{feature_set.model}"],
    ).fetchall()
    columns = {str(name) for (name,) in rows}
    missing = sorted({feature_set.entity, feature_set.cutoff, *(f.name for f in feature_set.features)} - columns)
    if missing:
        raise MissingFeaturesError(
            f"features.{feature_set.model} lacks {', '.join(missing[:5])}; run dbt build --full-refresh"
        )
    return sorted(columns - {feature.name for feature in feature_set.features})


def _statement(text: str, feature_set: FeatureSet) -> sql.Composed:
    return sql.SQL(text).format(
        table=sql.Identifier("features", feature_set.model),
        entity=sql.Identifier(feature_set.entity),
        cutoff=sql.Identifier(feature_set.cutoff),
    )
