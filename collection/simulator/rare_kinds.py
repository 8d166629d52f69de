"""Kinds that a step of another kind sometimes becomes: security, billing, documents and incidents. Pure data.

No workflow leads to them: `turns` makes them out of ordinary events, so that the walks stay as they are.
"""

from __future__ import annotations

from collection.simulator.event_kind import Kind

RARE_KINDS: tuple[Kind, ...] = (
    Kind(
        "access",
        "security",
        "auth",
        "access",
        '{"resource":"<protected>","granted":<granted>,"risk_score":<risk>}',
        retention="medium_term",
    ),
    Kind(
        "threat_detected",
        "security",
        "auth",
        "threats",
        '{"threat_type":"<threat>","severity":"<severity>","blocked":<mostly_true>,"risk_score":<risk>}',
        retention="medium_term",
    ),
    Kind(
        "payment_failed",
        "business",
        "service",
        "billing",
        '{"plan":"<plan>","amount":<amount>,"currency":"<currency>","payment_method":"<payment_method>",'
        '"reason":"<payment_failure>","succeeded":false}',
        retention="long_term",
    ),
    Kind(
        "payment_method_change",
        "business",
        "web",
        "billing",
        '{"payment_method":"<new_payment_method>"}',
        retention="long_term",
    ),
    Kind(
        "reference_created",
        "content",
        "web",
        "library",
        '{"reference_style":"<reference_style>","reference_field":"<reference_field>","language":"<language>",'
        '"quality":<document_quality>,"readability":<readability>,"n_citations":<citations>}',
        retention="long_term",
    ),
    Kind(
        "reference_corrected",
        "content",
        "web",
        "library",
        '{"reference_style":"<reference_style>","reference_field":"<reference_field>","quality":<document_quality>,'
        '"n_corrections":<small_count>}',
        retention="long_term",
    ),
    Kind(
        "incident_start",
        "system",
        "service",
        "runtime",
        '{"resource":"<incident_machine>","severity":"<incident_severity>"}',
        retention="transient",
        from_client=False,
    ),
    Kind(
        "incident_end",
        "system",
        "service",
        "runtime",
        '{"resource":"<incident_machine>","severity":"<incident_severity>","duration_ms":<incident_ms>}',
        retention="transient",
        from_client=False,
    ),
)

# Of the events of a kind, the share that becomes a rare kind: (from, to, share of all, share of fraud).
TURNS: tuple[tuple[str, str, float, float], ...] = (
    ("click", "access", 0.05, 0.05),
    ("failed_login", "threat_detected", 0.08, 0.5),
    ("call", "threat_detected", 0.0, 0.015),
    ("call", "payment_method_change", 0.0, 0.01),
    ("payment", "payment_failed", 0.08, 0.5),
    ("settings_change", "payment_method_change", 0.12, 0.5),
    ("form_submit", "reference_created", 0.15, 0.0),
    ("feature_use", "reference_corrected", 0.03, 0.0),
)
