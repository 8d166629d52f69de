"""The features that dbt would have built, written by the dbt role, so that the ml role reads them as it will."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pyarrow as pa

from ml.training_sets import LABEL, feature_columns
from warehouse.arrow import copy_arrow
from warehouse.database import Database


def create(database: Database, frame: pd.DataFrame, *, weekly_noise: bool = False, unlabelled: bool = False) -> None:
    """features.ftr_user_weekly and lbl_user_churn from a synthetic frame.

    weekly_noise adds the cutoffs one week later, which thinning must leave out; unlabelled adds one newest cutoff
    without labels.
    """
    parts = [frame, frame.assign(cutoff_on=[d + timedelta(days=7) for d in frame["cutoff_on"]])][: 1 + weekly_noise]
    labelled = pd.concat(parts, ignore_index=True)
    newest = frame[frame["cutoff_on"] == max(frame["cutoff_on"])]
    later = newest.assign(cutoff_on=[d + timedelta(days=28) for d in newest["cutoff_on"]])
    rows = pd.concat([labelled, later], ignore_index=True) if unlabelled else labelled
    columns = feature_columns(frame)
    features = ", ".join(f"{name} double precision" for name in columns)
    with database.connect("dbt") as conn:
        conn.execute(
            "create table features.ftr_user_weekly"
            f" (cutoff_on date, subject text, company text, is_bot boolean, {features})".encode()
        )
        conn.execute("create table features.lbl_user_churn (cutoff_on date, subject text, is_churned boolean)")
        copy_arrow(
            conn, "features.ftr_user_weekly", _table(rows[["cutoff_on", "subject", "company", "is_bot", *columns]])
        )
        copy_arrow(conn, "features.lbl_user_churn", _table(labelled[["cutoff_on", "subject", LABEL]]))


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
