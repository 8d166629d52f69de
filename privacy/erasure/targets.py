"""The registry of erasure: every place that may hold a person, by which key, and what is done there. It runs nothing.

One predicate per target serves plan, deletion and verification. Which columns need a target is derived: carriers/.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from privacy.carriers.catalog import Carrier
from privacy.carriers.traces import UNANALYSED
from privacy.erasure.errors import UncoveredCarrierError
from warehouse.subjects import SUBJECT_TABLES


class Key(StrEnum):
    """What a person is called in a table; the value is the name of the query's parameter."""

    USER = "users"
    TOKEN = "tokens"  # noqa: S105
    MEMBER = "members"
    EVENT = "erasure"
    SEALED = "sealed"


class Rule(StrEnum):
    """What an erasure does: delete rows, unlink them, look through a view at others' rows, or keep, with a reason."""

    DELETE = "delete"
    UNLINK = "unlink"
    FOLLOW = "follow"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Target:
    """One table and how a person is found in it. `predicate` is SQL over the table with parameters named as in Key.

    Sealed records have no predicate in SQL: they are opened one by one, see sealed.py.
    """

    table: str
    column: str
    key: Key
    rule: Rule = Rule.DELETE
    reason: str = ""
    own_predicate: str = ""

    def __post_init__(self) -> None:
        if self.rule is Rule.KEEP and not self.reason.strip():
            raise ValueError(f"{self.table} is kept without a reason")

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def predicate(self) -> str:
        return self.own_predicate or f"{self.column} = any(%({self.key})s)"


_OF_EVENT = "from privacy.erasure_events e where e.erasure_id = %(erasure)s and e.event_day = {0}.event_day and "
BLINDED = "proof of what was done, under a key of the vault: it names nobody"

# In the order of deletion: what is derived goes before what it is derived from.
TARGETS = (
    Target("ml.training_subjects", "blinded_subject", Key.MEMBER),
    Target("ml.extracted_features", "entity", Key.TOKEN),
    Target("ml.model_feedback", "subject", Key.TOKEN),
    Target("ml.predictions", "subject", Key.TOKEN),
    Target("ml.published_predictions", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("ml.risk_scores", "subject", Key.TOKEN),
    Target("ml.recommendations", "subject", Key.TOKEN),
    Target("features.ftr_user_behavior_weekly", "subject", Key.TOKEN),
    Target("features.ftr_user_ai_weekly", "subject", Key.TOKEN),
    Target("features.ftr_user_security_weekly", "subject", Key.TOKEN),
    Target("features.ftr_user_fraud_weekly", "subject", Key.TOKEN),
    Target("features.ftr_user_sequences", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("features.ftr_prompt_response_pairs", "subject", Key.TOKEN),
    Target("features.ftr_reference_corpus", "subject", Key.TOKEN),
    Target("features.lbl_user_churn", "subject", Key.TOKEN),
    Target("features.ftr_user_weekly", "subject", Key.TOKEN),
    Target("sessions.ses_sessions", "subject", Key.TOKEN),
    Target("aggregates.agg_user_day_versions", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("aggregates.agg_user_day_superseded", "subject", Key.TOKEN),
    Target("aggregates.agg_analytics_users", "subject", Key.TOKEN),
    Target("aggregates.agg_analytics_user_week", "subject", Key.TOKEN),
    Target("aggregates.agg_analytics_user_day", "subject", Key.TOKEN),
    Target("aggregates.agg_analytics_visits", "subject", Key.TOKEN),
    Target("aggregates.agg_funnel_steps", "subject", Key.TOKEN),
    Target("aggregates.agg_ai_exchanges", "subject", Key.TOKEN),
    Target("aggregates.agg_experiment_subjects", "subject", Key.TOKEN),
    Target("aggregates.agg_experiment_days", "subject", Key.TOKEN),
    Target("aggregates.agg_outcome_days", "subject", Key.TOKEN),
    Target("aggregates.agg_rating_pairs", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("aggregates.agg_rating_pair_days", "subject", Key.TOKEN),
    Target("aggregates.agg_user_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_activity_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_feature_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_ai_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_security_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_requests_day", "subject", Key.TOKEN),
    Target("aggregates.agg_api_key_day", "subject", Key.TOKEN),
    Target("aggregates.agg_prompt_template_user_day", "subject", Key.TOKEN),
    Target("aggregates.agg_user_fragments", "subject", Key.TOKEN),
    Target("aggregates.agg_web_users", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("sessions.ses_web_page_views", "subject", Key.TOKEN),
    Target("sessions.ses_web_sessions", "subject", Key.TOKEN),
    Target("aggregates.agg_web_fragments", "subject", Key.TOKEN),
    Target("aggregates.agg_web_consent_users", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("aggregates.agg_web_consent_log", "subject", Key.TOKEN),
    Target("staging.stg_training_events", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("staging.stg_web_events", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("staging.stg_personalization_events", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("staging.stg_analytics_events", "subject", Key.TOKEN, Rule.FOLLOW),
    Target("staging.stg_text_embeddings", "subject", Key.TOKEN, Rule.FOLLOW),
    Target(
        "safe.anonymous_events",
        "anonymous_id",
        Key.EVENT,
        own_predicate="exists (select "
        + _OF_EVENT.format("safe.anonymous_events")
        + "e.anonymous_id = safe.anonymous_events.anonymous_id)",
    ),
    Target("safe.text_embeddings", "subject", Key.TOKEN),
    Target("safe.pseudonymous_events", "subject", Key.TOKEN),
    Target(
        "raw.event_keys",
        "id",
        Key.EVENT,
        own_predicate="exists (select from privacy.erasure_events e where e.erasure_id = %(erasure)s "
        "and e.source = raw.event_keys.source and e.id = raw.event_keys.id)",
    ),
    Target("raw.system_logs", "user_id", Key.USER),
    Target(
        "raw.system_logs",
        "persona_id",
        Key.USER,
        own_predicate="user_id is null and persona_id = any(%(personas)s)",
    ),
    Target("consent.consent_events", "subject", Key.USER),
    Target("consent.consent_settings", "subject", Key.USER, Rule.FOLLOW),
    Target("consent.dismissed_notices", "subject", Key.USER),
    Target("consent.served_notices", "subject", Key.USER),
    Target("privacy.osint_findings", "subject", Key.TOKEN),
    Target("privacy.legal_holds", "subject", Key.USER),
    Target("privacy.accounts", "subject", Key.USER),
    Target("privacy.identity_merges", "user_id", Key.USER),
    Target("privacy.identity_merges", "same_as_user_id", Key.USER),
    Target("privacy.erasures", "blinded_subject", Key.MEMBER, Rule.KEEP, BLINDED),
    Target("privacy.erased_consents", "blinded_subject", Key.MEMBER, Rule.KEEP, BLINDED),
    Target("privacy.privacy_requests", "blinded_subject", Key.MEMBER, Rule.KEEP, BLINDED),
    Target("privacy.exports", "blinded_subject", Key.MEMBER, Rule.KEEP, BLINDED),
    Target("privacy.access_log", "blinded_subject", Key.MEMBER, Rule.KEEP, BLINDED),
    Target("raw.quarantine", "sealed", Key.SEALED),
)
# Working state of an erasure, emptied by its last step in the transaction that completes it.
WORKING = ("privacy.erasure_events",)
_KEYS = {"raw": Key.USER, "keyed": Key.TOKEN, "blinded": Key.MEMBER}
KEY_COLUMNS = ("user_id", "same_as_user_id", "subject", "entity", "blinded_subject", "sealed")


def deletable(targets: Iterable[Target]) -> list[Target]:
    """Targets whose rows an erasure deletes, or unlinks, and counts."""
    return [target for target in targets if target.rule in (Rule.DELETE, Rule.UNLINK)]


def counted(targets: Iterable[Target]) -> list[Target]:
    """Targets that must count zero at the end: deleted ones and the views over them."""
    return [target for target in targets if target.rule is not Rule.KEEP]


def require_cover(carriers: Iterable[Carrier], targets: Sequence[Target]) -> None:
    """Raise UncoveredCarrierError for carriers without a target. Pure.

    A column with a key of its own needs a target on that very column: one row may name two people. A column that
    leads to an event or session goes with its row, so any target of its table covers it.
    """
    columns = {(target.table, target.column) for target in targets}
    tables = {target.table for target in targets} | set(WORKING)
    missing = [
        f"{carrier.table}.{carrier.column} (from {', '.join(carrier.derived_from)})"
        for carrier in carriers
        if (carrier.table, carrier.column) not in columns and (_has_own_key(carrier) or carrier.table not in tables)
    ]
    if missing:
        raise UncoveredCarrierError(
            f"no erasure rule for {len(missing)} columns that carry a person's key: {'; '.join(sorted(missing)[:10])}; "
            "add a target for each to privacy/erasure/targets.py"
        )


def require_registry(targets: Sequence[Target]) -> None:
    """Raise UncoveredCarrierError for a registered table without a target, or with another kind of key. Pure."""
    known = {(target.table, target.column): target.key for target in targets}
    wrong = [
        f"{row.table}.{row.column}"
        for row in SUBJECT_TABLES
        if row.table not in WORKING and known.get((row.table, row.column)) is not _KEYS[row.key]
    ]
    if wrong:
        raise UncoveredCarrierError(f"registered tables without a target of their key: {', '.join(sorted(wrong))}")


def _has_own_key(carrier: Carrier) -> bool:
    roots = {root.rsplit(".", 1)[-1] for root in carrier.derived_from}
    return carrier.table not in WORKING and bool(roots & {*KEY_COLUMNS, UNANALYSED})
