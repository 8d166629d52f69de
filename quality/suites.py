"""What must hold at the three borders, as frozen rows. What is looked at is in `batches`; how, in `validation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RAW_IN = "raw_in"
FEATURES_OUT = "features_out"
PREDICTIONS_OUT = "predictions_out"
SUITES = (RAW_IN, FEATURES_OUT, PREDICTIONS_OUT)
DIMENSIONS = ("completeness", "consistency", "accuracy", "timeliness")

LOGS = "raw.system_logs"
DAYS = "raw.event_days"
FEATURES = "features.ftr_user_weekly"
LABELS = "features.lbl_user_churn"
PREDICTIONS = "ml.predictions"

MAX_NULLS = 0.05  # issue: at most 5 % nulls in a required column
MOSTLY_FILLED = 1 - MAX_NULLS
LABEL_FORMAT = r"^[A-Za-z][A-Za-z0-9_.:/ -]*$"  # a bounded repeat ({0,99}) took PostgreSQL nine times as long
CLASSES = ("non_personal", "pseudonymized", "personal", "sensitive")
RETENTIONS = ("transient", "short_term", "medium_term", "long_term")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of policy.

    `kind` names the expectation (see `expectations.KINDS`); `column` may be a pattern like `n_*`, expanded over the
    columns the table has. `mostly` is the share of judged rows that must obey, 1.0 for all.
    """

    suite: str
    table: str
    kind: str
    column: str | None
    dimension: str
    says: str
    mostly: float = 1.0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The rule's identity within the registry."""
        return f"{self.suite}:{self.table}:{self.column or '*'}:{self.kind}"


def _filled(suite: str, table: str, column: str, mostly: float = MOSTLY_FILLED) -> Rule:
    share = "always" if mostly == 1.0 else f"in at least {mostly:.0%} of rows"
    return Rule(suite, table, "not_null", column, "completeness", f"has a value {share}", mostly)


RULES: tuple[Rule, ...] = (
    # --- raw in: what collection stored for these days
    Rule(RAW_IN, LOGS, "has_rows", None, "completeness", "there are rows to judge"),
    *(_filled(RAW_IN, LOGS, column) for column in ("created_at", "id", "event_type", "action")),
    *(
        Rule(
            RAW_IN,
            LOGS,
            "matches",
            column,
            "consistency",
            "values match the label format",
            0.95,
            {"regex": LABEL_FORMAT},
        )
        for column in ("event_type", "source")
    ),
    Rule(
        RAW_IN,
        LOGS,
        "in_set",
        "data_classification",
        "consistency",
        "is one of the four classes",
        1.0,
        {"value_set": CLASSES},
    ),
    Rule(
        RAW_IN,
        LOGS,
        "in_set",
        "retention_policy",
        "consistency",
        "is one of the four retention policies",
        1.0,
        {"value_set": RETENTIONS},
    ),
    Rule(RAW_IN, LOGS, "holds", "event_day_is_utc_day", "consistency", "event_day is the UTC day of created_at"),
    Rule(
        RAW_IN,
        LOGS,
        "holds",
        "created_at_in_range",
        "consistency",
        "created_at lies between 1990 and one day ahead of now",
        0.95,
    ),
    Rule(RAW_IN, LOGS, "holds", "is_registered_key", "consistency", "every (source, id) is in raw.event_keys"),
    Rule(RAW_IN, LOGS, "unique", "source,id", "accuracy", "no (source, id) is stored twice"),
    Rule(
        RAW_IN,
        LOGS,
        "holds",
        "received_after_created",
        "timeliness",
        "received_at is at most one day before created_at",
        0.95,
    ),
    Rule(RAW_IN, LOGS, "holds", "received_in_past", "timeliness", "received_at is not in the future"),
    Rule(
        RAW_IN,
        DAYS,
        "within",
        "z_score",
        "accuracy",
        "events per day stay within 6 standard deviations of the days before (log scale)",
        0.95,
        {"min_value": -6, "max_value": 6},
    ),
    # --- features out: what dbt built for these cutoffs
    Rule(FEATURES_OUT, FEATURES, "has_rows", None, "completeness", "there are rows to judge"),
    Rule(FEATURES_OUT, FEATURES, "unique", "cutoff_on,subject", "accuracy", "one row per cutoff and subject"),
    _filled(FEATURES_OUT, FEATURES, "subject", 1.0),
    _filled(FEATURES_OUT, FEATURES, "is_bot"),
    _filled(FEATURES_OUT, FEATURES, "n_*"),
    Rule(
        FEATURES_OUT,
        FEATURES,
        "within",
        "n_*",
        "consistency",
        "counts are finite and not negative",
        1.0,
        {"min_value": 0, "max_value": 1e15},
    ),
    Rule(FEATURES_OUT, FEATURES, "widens", "n_*", "consistency", "a longer window counts at least as much"),
    Rule(
        FEATURES_OUT,
        FEATURES,
        "holds",
        "ok__*",
        "accuracy",
        "values lie within 8 robust standard deviations (log scale of the values that are not zero)",
        0.95,  # a sound ratio feature had 1.1 % at one of seven real cutoffs looked at
    ),
    Rule(
        FEATURES_OUT,
        FEATURES,
        "no_rows",
        "cutoff_on",
        "timeliness",
        "the newest cutoff is within 14 days of the newest event day",
        1.0,
        {"query": "stale_features"},
    ),
    _filled(FEATURES_OUT, LABELS, "is_churned", 1.0),
    Rule(FEATURES_OUT, LABELS, "unique", "cutoff_on,subject", "accuracy", "one label per cutoff and subject"),
    Rule(FEATURES_OUT, LABELS, "holds", "has_features", "consistency", "every label has a feature row"),
    # --- predictions out: what a model version says before anyone may see it
    Rule(PREDICTIONS_OUT, PREDICTIONS, "has_rows", None, "completeness", "there are rows to judge"),
    _filled(PREDICTIONS_OUT, PREDICTIONS, "probability", 1.0),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "within",
        "probability",
        "consistency",
        "lies between 0 and 1",
        1.0,
        {"min_value": 0, "max_value": 1},
    ),
    Rule(
        PREDICTIONS_OUT, PREDICTIONS, "unique", "cutoff_on,subject", "accuracy", "one prediction per cutoff and subject"
    ),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "mean_within",
        "probability",
        "accuracy",
        "the mean lies between 0.005 and 0.995",
        1.0,
        {"min_value": 0.005, "max_value": 0.995},
    ),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "spread_within",
        "probability",
        "accuracy",
        "the predictions are not all the same",
        1.0,
        {"min_value": 0.001, "max_value": 0.5001},
    ),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "holds",
        "has_features",
        "consistency",
        "every prediction has a feature row of its cutoff",
    ),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "no_rows",
        "subject",
        "completeness",
        "every active subject of the newest cutoff has a prediction",
        1.0,
        {"query": "unpredicted_subjects"},
    ),
    Rule(
        PREDICTIONS_OUT,
        PREDICTIONS,
        "no_rows",
        "cutoff_on",
        "timeliness",
        "the predictions are for the newest cutoff",
        1.0,
        {"query": "stale_predictions"},
    ),
)


def rules_of(suite: str) -> tuple[Rule, ...]:
    """The rows of one suite. Raises UnknownSuiteError."""
    if suite not in SUITES:
        raise UnknownSuiteError(f"there is no suite {suite!r}; the suites are {', '.join(SUITES)}")
    return tuple(rule for rule in RULES if rule.suite == suite)


class UnknownSuiteError(ValueError):
    """A gate was asked for by a name that no suite has."""
