"""Extraction into ml.extracted_features: the table's rows, again the same, and gone when their person is gone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ml.extraction import EmptyRangeError, Extraction, WrongPurposeError
from ml.feature_sets import UnknownFeatureSetError
from ml.service import ModelTrainingService
from ml.training_sets import MissingFeaturesError
from tests.ml import features_table, synthetic
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
START, END = date(2022, 12, 26), date(2023, 2, 20)  # the first two cutoffs of three
MODEL = """
version: 2
models:
  - name: ftr_user_weekly
    meta: {key: [cutoff_on, subject], feature_set: user_behavior, purpose: model_training}
    columns:
      - {name: cutoff_on, description: a Monday}
      - {name: subject, description: keyed id}
      - {name: company, description: keyed id}
"""
FEATURE = (
    "      - {{name: {0}, description: d, meta: {{unit: u, window_days: 28, purpose: p, source_columns: [a.b]}}}}\n"
)


def service(database: Database, project: Path, *features: str) -> ModelTrainingService:
    """The façade over a dbt project of one model."""
    folder = project / "models" / "features"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ftr_user_weekly.sql").write_text("select 1")
    (folder / "ftr_user_weekly.yml").write_text(MODEL.lstrip() + "".join(map(FEATURE.format, features)))
    return ModelTrainingService(lambda: database.connect("ml"), project, lambda: synthetic.AT)


@pytest.fixture
def training(database: Database, tmp_path: Path) -> ModelTrainingService:
    features_table.create(database, synthetic.frame(40, 3))
    return service(database, tmp_path, "n_events_28d", "tenure_days")


def same(database: Database) -> bool:
    """Whether the extracted rows of the range are the features table's, number for number."""
    with database.connect("ml") as conn:
        row = conn.execute(
            "select count(*) from (select cutoff_on, subject, n_events_28d, tenure_days from features.ftr_user_weekly "
            "where cutoff_on >= %s and cutoff_on < %s) f full join (select cutoff_on, entity as subject, "
            '("values" ->> \'n_events_28d\')::float8 as n, ("values" ->> \'tenure_days\')::float8 as t, "values" as v '
            "from ml.extracted_features) e using (cutoff_on, subject) "
            "where n_events_28d is distinct from n or tenure_days is distinct from t "
            "or (select count(*) from jsonb_object_keys(v)) <> 2",
            (START, END),
        ).fetchone()
    return row == (0,)


def test_rows_are_written_once_and_no_number_changes(database: Database, training: ModelTrainingService) -> None:
    first = training.extract_features("user_behavior", START, END)
    version = training.feature_sets()["user_behavior"].version
    assert first == Extraction("user_behavior", version, 80, 80, 0)
    assert same(database)
    assert training.extract_features("user_behavior", START, END) == Extraction("user_behavior", version, 80, 0, 0)


def test_what_changed_is_written_anew_and_who_is_gone_is_removed(
    database: Database, training: ModelTrainingService
) -> None:
    training.extract_features("user_behavior", START, END)
    with database.connect(ADMIN) as conn:
        conn.execute("delete from features.ftr_user_weekly where subject = 's000003'")
        conn.execute("update features.ftr_user_weekly set tenure_days = 5 where subject = 's000004'")
    again = training.extract_features("user_behavior", START, END)
    assert (again.n_rows, again.n_written, again.n_removed) == (78, 2, 2)
    assert same(database)


def test_another_definition_is_kept_beside_the_old_one(
    database: Database, training: ModelTrainingService, tmp_path: Path
) -> None:
    first = training.extract_features("user_behavior", START, END)
    other = service(database, tmp_path, "n_events_28d").extract_features("user_behavior", START, END)
    assert first.version != other.version
    with database.connect("ml") as conn:
        found = conn.execute("select version, count(*) from ml.extracted_features group by 1 order by 2, 1").fetchall()
    assert dict(found) == {first.version: 80, other.version: 80}


def test_what_cannot_be_extracted_is_refused(
    database: Database, training: ModelTrainingService, tmp_path: Path
) -> None:
    with pytest.raises(UnknownFeatureSetError, match="no feature set security: known are user_behavior"):
        training.extract_features("security", START, END)
    with pytest.raises(EmptyRangeError, match="give a later end"):
        training.extract_features("user_behavior", END, END)
    with pytest.raises(MissingFeaturesError, match="lacks n_prompts"):
        service(database, tmp_path, "n_prompts").extract_features("user_behavior", START, END)
    yml = tmp_path / "models" / "features" / "ftr_user_weekly.yml"
    yml.write_text(yml.read_text().replace("purpose: model_training", "purpose: personalization"))
    with pytest.raises(WrongPurposeError, match="made for personalization"):
        training.extract_features("user_behavior", START, END)
