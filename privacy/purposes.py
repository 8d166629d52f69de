"""What data may be used for, as data: scope, legal basis, cost of refusing, and the words that people are asked with.

Who decided what is consent.py; which methods may decide is methods.py. A changed text needs a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("en", "de")
CONSENT = "consent"  # GDPR Article 6(1)(a)
DEFAULTS = ("ask", "deny")
UNTIL_WITHDRAWAL = "until withdrawal"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One use of data. No record means no, whatever `default` says: `ask` may be asked at sign-up, `deny` only later.

    required: without it the product offers the limited features named in opt_out_impact.
    concept: its name in the W3C Data Privacy Vocabulary 2.0. kept_for: ISO 8601 duration, or UNTIL_WITHDRAWAL.
    texts: language -> what people are shown and asked, in the words of this version.
    """

    name: str
    required: bool
    default: str
    scope: str
    opt_out_impact: str
    legal_basis: str
    concept: str
    kept_for: str
    version: int
    texts: Mapping[str, str]


_ALL = (
    Purpose(
        "data_collection",
        required=True,
        default="ask",
        scope="basic application functionality",
        opt_out_impact="limited features",
        legal_basis=CONSENT,
        concept="dpv:ServiceProvision",
        kept_for="P60D",
        version=1,
        texts={
            "en": "May we record what you do in the product, so that it works for you? Without it some features are "
            "not available. You can withdraw at any time; recording then stops within seconds.",
            "de": "Dürfen wir aufzeichnen, was Sie im Produkt tun, damit es für Sie funktioniert? Ohne das stehen "
            "einige Funktionen nicht bereit. Sie können jederzeit widerrufen; die Aufzeichnung endet dann in Sekunden.",
        },
    ),
    Purpose(
        "analytics",
        required=False,
        default="ask",
        scope="performance improvement",
        opt_out_impact="none",
        legal_basis=CONSENT,
        concept="dpv:ServiceUsageAnalytics",
        kept_for="P2Y",
        version=1,
        texts={
            "en": "May we count how the product is used, to make it faster and better? Nothing changes for you if you "
            "say no. You can withdraw at any time.",
            "de": "Dürfen wir auswerten, wie das Produkt genutzt wird, um es schneller und besser zu machen? Ein Nein "
            "ändert für Sie nichts. Sie können jederzeit widerrufen.",
        },
    ),
    Purpose(
        "osint_enrichment",
        required=False,
        default="ask",
        scope="profile enrichment from public sources",
        opt_out_impact="reduced personalization",
        legal_basis=CONSENT,
        concept="dpv:ServicePersonalisation",
        kept_for="P90D",
        version=1,
        texts={
            "en": "May we add to your profile what accounts that you link yourself show in public? Without it the "
            "product knows less about your work. You can withdraw at any time.",
            "de": "Dürfen wir Ihr Profil um das ergänzen, was von Ihnen verknüpfte Konten öffentlich zeigen? Ohne das "
            "weiß das Produkt weniger über Ihre Arbeit. Sie können jederzeit widerrufen.",
        },
    ),
    Purpose(
        "marketing",
        required=False,
        default="ask",
        scope="promotional communications",
        opt_out_impact="no marketing emails",
        legal_basis=CONSENT,
        concept="dpv:DirectMarketing",
        kept_for=UNTIL_WITHDRAWAL,
        version=1,
        texts={
            "en": "May we write to you about offers and news? If you say no, you get no such mail. You can withdraw "
            "at any time.",
            "de": "Dürfen wir Ihnen über Angebote und Neuigkeiten schreiben? Bei einem Nein erhalten Sie keine solche "
            "Post. Sie können jederzeit widerrufen.",
        },
    ),
    Purpose(
        "personalization",
        required=False,
        default="ask",
        scope="help that knows the user's own work",
        opt_out_impact="generic suggestions",
        legal_basis=CONSENT,
        concept="dpv:Personalisation",
        kept_for="P1Y",
        version=1,
        texts={
            "en": "May suggestions take into account what you have done in the product? Without it suggestions are "
            "the same for everybody. You can withdraw at any time.",
            "de": "Dürfen Vorschläge berücksichtigen, was Sie im Produkt getan haben? Ohne das sind Vorschläge für "
            "alle gleich. Sie können jederzeit widerrufen.",
        },
    ),
    Purpose(
        "model_training",
        required=False,
        default="deny",
        scope="training of models on pseudonymous events",
        opt_out_impact="none",
        legal_basis=CONSENT,
        concept="dpv:ResearchAndDevelopment",
        kept_for="P1Y",
        version=1,
        texts={
            "en": "May models learn from your events under a pseudonym? Nothing changes for you if you say no. If you "
            "withdraw, models that learned from your events are trained again without them.",
            "de": "Dürfen Modelle aus Ihren Ereignissen unter einem Pseudonym lernen? Ein Nein ändert für Sie nichts. "
            "Nach einem Widerruf werden Modelle, die daraus gelernt haben, ohne sie neu trainiert.",
        },
    ),
    Purpose(
        "sharing",
        required=False,
        default="deny",
        scope="anonymous insight across companies",
        opt_out_impact="none",
        legal_basis=CONSENT,
        concept="dpv:SellInsightsFromData",
        kept_for="P2Y",
        version=1,
        texts={
            "en": "May your events count in anonymous figures that other companies see? Nothing changes for you if "
            "you say no. You can withdraw at any time; figures of closed periods stay, nobody is in them by name.",
            "de": "Dürfen Ihre Ereignisse in anonyme Zahlen eingehen, die andere Unternehmen sehen? Ein Nein ändert "
            "für Sie nichts. Sie können jederzeit widerrufen; Zahlen abgeschlossener Zeiträume bleiben, ohne Namen.",
        },
    ),
)
PURPOSES = {purpose.name: purpose for purpose in _ALL}
