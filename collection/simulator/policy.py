"""The classification rules of the simulator's paths: pure data, for whoever loads rules into the ledger of rules.

Paths in UNRULED_ON_PURPOSE have no rule: they show that an unknown path is excluded and listed for a steward.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One ruling: which class and kind of value a path of an event type has. event_type '*' is any type.

    `class_` is stored in the column `class`; the treatment follows from the class.
    """

    event_type: str
    path: str
    class_: str
    kind: str
    steward: str
    reason: str

    @property
    def treatment(self) -> str:
        """What is done to a value of this class."""
        return TREATMENTS[self.class_]

    def row(self) -> dict[str, str]:
        """The rule as a row of privacy.classification_rules, without decided_at."""
        return {
            "event_type": self.event_type,
            "path": self.path,
            "class": self.class_,
            "kind": self.kind,
            "treatment": self.treatment,
            "steward": self.steward,
            "reason": self.reason,
        }


TREATMENTS = {"non_personal": "pass", "pseudonymized": "token", "personal": "mask", "sensitive": "drop"}
UNRULED_ON_PURPOSE = frozenset({("ui", "/data/experimental_hint"), ("*", "/client_info/timezone")})
STEWARD = "simulator"

# class -> reason -> event type -> "path:kind ..." below /data unless it begins with '/'
_RULINGS: dict[str, dict[str, dict[str, str]]] = {
    "non_personal": {
        "usage without content": {
            "ui": "page:category feature:category load_ms:duration element:category duration_ms:duration "
            "form:category n_fields:count is_valid:boolean query_length:count n_results:count format:category "
            "n_rows:count score:count experiment:category variant:category",
            "api": "endpoint:category method:category status:category latency_ms:duration request_bytes:count",
            "ai": "prompt_length:count n_tokens:count intent:category model:category response_length:count "
            "latency_ms:duration rating:count edited:boolean prompt_template:category language:category "
            "prompt_complexity:number sentiment:number quality:number cost:amount regenerated:boolean "
            "succeeded:boolean",
            "system": "code:category severity:category handled:boolean latency_ms:duration cpu_percent:count "
            "memory_percent:count queue_length:count resource:category duration_ms:duration",
            "security": "method:category succeeded:boolean risk_score:count reason:category resource:category "
            "granted:boolean threat_type:category severity:category blocked:boolean",
            "profile": "role:category passed:boolean setting:category is_enabled:boolean acquisition_channel:category",
            "content": "reference_style:category reference_field:category language:category quality:number "
            "readability:count n_citations:count n_corrections:count",
            "support": "topic:category priority:count",
        },
        "figures of a company, not of a person": {
            "business": "task_kind:category items/*/sku:category items/*/quantity:count plan:category "
            "previous_plan:category seats:count amount:amount currency:category invited_role:category mrr:amount "
            "payment_method:category reason:category succeeded:boolean",
        },
        "the program, not the person": {
            "*": "/metadata/app_version:category /metadata/region:category /client_info/user_agent:category "
            "/client_info/device:category /client_info/os:category /client_info/locale:category",
        },
    },
    "pseudonymized": {
        "an identifier of one account or request": {
            "profile": "account_ref:id",
            "*": "/metadata/trace:id",
        },
        "links events by where they came from, so only its token passes": {
            "api": "api_key:id",
            "*": "/client_info/network:id",
        },
    },
    "personal": {
        "contact data": {
            "business": "email:email full_name:name",
            "security": "email:email phone:phone",
            "profile": "email:email full_name:name phone:phone date_of_birth:date_of_birth",
            "support": "contact/email:email contact/phone:phone",
        },
        "text in which people name themselves": {
            "ui": "query:free_text comment:free_text",
            "support": "comment:free_text",
        },
        "network address": {"*": "/client_info/ip:ip"},
    },
    "sensitive": {
        "what people confide to the assistant": {"ai": "prompt:free_text response:free_text"},
        "internal notes about customers": {"business": "note:free_text"},
        "payment and identity numbers": {"business": "card:card", "profile": "ssn:ssn"},
    },
}


def _rules() -> tuple[Rule, ...]:
    found = []
    for class_, reasons in _RULINGS.items():
        for reason, types in reasons.items():
            for event_type, paths in types.items():
                for item in paths.split():
                    path, kind = item.rsplit(":", 1)
                    pointer = path if path.startswith("/") else f"/data/{path}"
                    found.append(Rule(event_type, pointer, class_, kind, STEWARD, reason))
    return tuple(found)


SIMULATOR_RULES: tuple[Rule, ...] = _rules()


def ruled(event_type: str, path: str) -> Rule | None:
    """The rule for a path of an event type: its own before that of any type; None where there is none."""
    return _BY_KEY.get((event_type, path)) or _BY_KEY.get(("*", path))


_BY_KEY = {(rule.event_type, rule.path): rule for rule in SIMULATOR_RULES}
