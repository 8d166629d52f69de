"""ModelTrainingService: features out, feedback in. Thin: extraction.py, feature_sets.py and feedback.py do it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml import extraction, feedback
from ml.extraction import Extraction
from ml.feature_sets import FeatureSet, find_feature_set, read_feature_sets
from ml.feedback import Rating

if TYPE_CHECKING:
    import psycopg

    Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@dataclass(frozen=True, slots=True)
class ModelTrainingService:
    """Features for training and serving. connect: connections of the ml role; project: the dbt project's folder;
    now: the clock, aware UTC."""

    connect: Connect
    project: Path
    now: Callable[[], datetime]

    def feature_sets(self) -> dict[str, FeatureSet]:
        """Every feature set by name, with the facts of its features and its version."""
        return read_feature_sets(self.project)

    def extract_features(self, feature_set: str, start: date, end: date) -> Extraction:
        """Write the set's rows of cutoffs in [start, end) to ml.extracted_features; again changes nothing.

        Raises UnknownFeatureSetError, WrongPurposeError, EmptyRangeError or MissingFeaturesError.
        """
        found = find_feature_set(self.project, feature_set)
        with self.connect() as conn:
            return extraction.extract(conn, found, start, end, extracted_at=self.now())

    def record_feedback(self, model: str, version: int, rating: Rating) -> None:
        """Keep a rating of a published prediction. Raises UnknownPredictionError or FeedbackInputError."""
        with self.connect() as conn:
            feedback.record_rating(conn, model, version, rating, self.now())

    def features_at(self, subject: str, moment: date) -> dict[str, Any] | None:
        """What is known of a subject at the beginning of a UTC day, or None: the online look-up."""
        with self.connect() as conn:
            return extraction.features_at(conn, subject, moment)
