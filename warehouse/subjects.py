"""Every table that holds rows of people, and by which column. What is not listed here must hold none.

The list is what exports and erasures go by; a test compares it with the live schema after a run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SubjectTable:
    """A table with a row per person or event of one. `key` is raw (the product's own id), keyed, or blinded."""

    table: str
    column: str
    key: str


SUBJECT_TABLES = (
    SubjectTable("raw.system_logs", "user_id", "raw"),
    SubjectTable("consent.consent_events", "subject", "raw"),
    SubjectTable("consent.consent_settings", "subject", "raw"),
    SubjectTable("consent.served_notices", "subject", "raw"),
    SubjectTable("consent.dismissed_notices", "subject", "raw"),
    SubjectTable("privacy.legal_holds", "subject", "raw"),
    SubjectTable("privacy.accounts", "subject", "raw"),
    SubjectTable("privacy.identity_merges", "user_id", "raw"),
    SubjectTable("privacy.osint_findings", "subject", "keyed"),
    SubjectTable("safe.pseudonymous_events", "subject", "keyed"),
    SubjectTable("safe.text_embeddings", "subject", "keyed"),
    SubjectTable("staging.stg_training_events", "subject", "keyed"),
    SubjectTable("staging.stg_personalization_events", "subject", "keyed"),
    SubjectTable("staging.stg_text_embeddings", "subject", "keyed"),
    SubjectTable("staging.stg_analytics_events", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_fragments", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_analytics_visits", "subject", "keyed"),
    SubjectTable("aggregates.agg_analytics_user_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_analytics_user_week", "subject", "keyed"),
    SubjectTable("aggregates.agg_analytics_users", "subject", "keyed"),
    SubjectTable("aggregates.agg_funnel_steps", "subject", "keyed"),
    SubjectTable("aggregates.agg_ai_exchanges", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_day_superseded", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_day_versions", "subject", "keyed"),
    SubjectTable("aggregates.agg_rating_pair_days", "subject", "keyed"),
    SubjectTable("aggregates.agg_rating_pairs", "subject", "keyed"),
    SubjectTable("aggregates.agg_experiment_days", "subject", "keyed"),
    SubjectTable("aggregates.agg_outcome_days", "subject", "keyed"),
    SubjectTable("aggregates.agg_experiment_subjects", "subject", "keyed"),
    SubjectTable("sessions.ses_sessions", "subject", "keyed"),
    SubjectTable("features.ftr_user_weekly", "subject", "keyed"),
    SubjectTable("features.lbl_user_churn", "subject", "keyed"),
    SubjectTable("staging.stg_web_events", "subject", "keyed"),
    SubjectTable("aggregates.agg_web_consent_log", "subject", "keyed"),
    SubjectTable("aggregates.agg_web_consent_users", "subject", "keyed"),
    SubjectTable("aggregates.agg_web_fragments", "subject", "keyed"),
    SubjectTable("aggregates.agg_web_users", "subject", "keyed"),
    SubjectTable("sessions.ses_web_page_views", "subject", "keyed"),
    SubjectTable("sessions.ses_web_sessions", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_activity_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_feature_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_ai_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_security_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_user_requests_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_api_key_day", "subject", "keyed"),
    SubjectTable("aggregates.agg_prompt_template_user_day", "subject", "keyed"),
    SubjectTable("features.ftr_user_behavior_weekly", "subject", "keyed"),
    SubjectTable("features.ftr_user_ai_weekly", "subject", "keyed"),
    SubjectTable("features.ftr_user_security_weekly", "subject", "keyed"),
    SubjectTable("features.ftr_user_fraud_weekly", "subject", "keyed"),
    SubjectTable("features.ftr_user_sequences", "subject", "keyed"),
    SubjectTable("features.ftr_prompt_response_pairs", "subject", "keyed"),
    SubjectTable("features.ftr_reference_corpus", "subject", "keyed"),
    SubjectTable("ml.training_subjects", "blinded_subject", "blinded"),
    SubjectTable("ml.extracted_features", "entity", "keyed"),
    SubjectTable("ml.predictions", "subject", "keyed"),
    SubjectTable("ml.published_predictions", "subject", "keyed"),
    SubjectTable("ml.risk_scores", "subject", "keyed"),
    SubjectTable("ml.recommendations", "subject", "keyed"),
    SubjectTable("ml.model_feedback", "subject", "keyed"),
    SubjectTable("privacy.privacy_requests", "blinded_subject", "blinded"),
    SubjectTable("privacy.exports", "blinded_subject", "blinded"),
    SubjectTable("privacy.access_log", "blinded_subject", "blinded"),
    SubjectTable("privacy.erasures", "blinded_subject", "blinded"),
    SubjectTable("privacy.erased_consents", "blinded_subject", "blinded"),
)
# Columns that identify a person wherever they appear; raw.quarantine holds whole records, sealed.
SUBJECT_COLUMNS = ("user_id", "same_as_user_id", "persona_id", "subject", "persona", "blinded_subject", "entity")
