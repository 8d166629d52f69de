"""What must hold at the three borders, as frozen rows. What is looked at is in `batches`; how, in `validation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
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


class UnknownSuiteError(ValueError):
    """A gate was asked for by a name that no suite has."""


_logs = partial(Rule, RAW_IN, LOGS)
_days = partial(Rule, RAW_IN, DAYS)
_features = partial(Rule, FEATURES_OUT, FEATURES)
_labels = partial(Rule, FEATURES_OUT, LABELS)
_predictions = partial(Rule, PREDICTIONS_OUT, PREDICTIONS)


def _filled(of: Callable[..., Rule], column: str, mostly: float = MOSTLY_FILLED) -> Rule:
    share = "always" if mostly == 1.0 else f"in at least {mostly:.0%} of rows"
    return of("not_null", column, "completeness", f"has a value {share}", mostly)


def _range(low: float, high: float) -> Mapping[str, Any]:
    return {"min_value": low, "max_value": high}


# Each row: kind, column, dimension, what it says, the share that must obey where not all, parameters.
RULES: tuple[Rule, ...] = (
    # --- raw in: what collection stored for these days
    _logs("has_rows", None, "completeness", "there are rows to judge"),
    *(_filled(_logs, column) for column in ("created_at", "id", "event_type", "action")),
    *(
        _logs("matches", column, "consistency", "values match the label format", 0.95, {"regex": LABEL_FORMAT})
        for column in ("event_type", "source")
    ),
    _logs("in_set", "data_classification", "consistency", "is one of the four classes", 1.0, {"value_set": CLASSES}),
    _logs(
        "in_set", "retention_policy", "consistency", "is one of the four retention policies", 1.0,
        {"value_set": RETENTIONS},
    ),
    _logs("holds", "event_day_is_utc_day", "consistency", "event_day is the UTC day of created_at"),
    _logs(
        "holds", "created_at_in_range", "consistency", "created_at lies between 1990 and one day ahead of now", 0.95,
    ),
    _logs("holds", "is_registered_key", "consistency", "every (source, id) is in raw.event_keys"),
    _logs("unique", "source,id", "accuracy", "no (source, id) is stored twice"),
    _logs("holds", "received_after_created", "timeliness", "received_at is at most one day before created_at", 0.95),
    _logs("holds", "received_in_past", "timeliness", "received_at is not in the future"),
    _days(
        "within", "z_score", "accuracy",
        "events per day stay within 6 standard deviations of the days before (log scale)", 0.95, _range(-6, 6),
    ),
    # --- features out: what dbt built for these cutoffs
    _features("has_rows", None, "completeness", "there are rows to judge"),
    _features("unique", "cutoff_on,subject", "accuracy", "one row per cutoff and subject"),
    _filled(_features, "subject", 1.0),
    _filled(_features, "is_bot"),
    _filled(_features, "n_*"),
    _features("within", "n_*", "consistency", "counts are finite and not negative", 1.0, _range(0, 1e15)),
    _features("widens", "n_*", "consistency", "a longer window counts at least as much"),
    _features(
        "holds", "ok__*", "accuracy",
        "values lie within 8 robust standard deviations (log scale of the values that are not zero)",
        0.95,  # a sound ratio feature had 1.1 % at one of seven real cutoffs looked at
    ),
    _features(
        "no_rows", "cutoff_on", "timeliness", "the newest cutoff is within 14 days of the newest event day", 1.0,
        {"query": "stale_features"},
    ),
    _filled(_labels, "is_churned", 1.0),
    _labels("unique", "cutoff_on,subject", "accuracy", "one label per cutoff and subject"),
    _labels("holds", "has_features", "consistency", "every label has a feature row"),
    # --- predictions out: what a model version says before anyone may see it
    _predictions("has_rows", None, "completeness", "there are rows to judge"),
    _filled(_predictions, "probability", 1.0),
    _predictions("within", "probability", "consistency", "lies between 0 and 1", 1.0, _range(0, 1)),
    _predictions("unique", "cutoff_on,subject", "accuracy", "one prediction per cutoff and subject"),
    _predictions(
        "mean_within", "probability", "accuracy", "the mean lies between 0.005 and 0.995", 1.0, _range(0.005, 0.995),
    ),
    _predictions(
        "spread_within", "probability", "accuracy", "the predictions are not all the same", 1.0, _range(0.001, 0.5001),
    ),
    _predictions("holds", "has_features", "consistency", "every prediction has a feature row of its cutoff"),
    _predictions(
        "holds", "has_evidence", "completeness", "every prediction states its features, reasons, purpose and consent",
    ),
    _predictions(
        "no_rows", "subject", "completeness", "every active subject of the newest cutoff has a prediction", 1.0,
        {"query": "unpredicted_subjects"},
    ),
    _predictions(
        "no_rows", "cutoff_on", "timeliness", "the predictions are for the newest cutoff", 1.0,
        {"query": "stale_predictions"},
    ),
)  # fmt: skip


def rules_of(suite: str) -> tuple[Rule, ...]:
    """The rows of one suite. Raises UnknownSuiteError."""
    if suite not in SUITES:
        raise UnknownSuiteError(f"there is no suite {suite!r}; the suites are {', '.join(SUITES)}")
    return tuple(rule for rule in RULES if rule.suite == suite)
