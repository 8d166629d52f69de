"""The kinds of event: their labels and their JSON templates with <column> places.

Pure data. Values are said in `columns`, classes of paths in `policy`, workflows in `transitions`.
"""

from __future__ import annotations

import json
import re
from functools import cache

from collection.simulator.event_kind import Kind
from collection.simulator.rare_kinds import RARE_KINDS

_ITEMS = '"items":[{"sku":"<sku>","quantity":<small_count>},{"sku":"<other_sku>","quantity":<small_count>}]'

USER_KINDS: tuple[Kind, ...] = (
    Kind(
        "page_view",
        "ui",
        "web",
        "navigation",
        '{"page":"<page>","feature":"<feature>","load_ms":<latency>,"experiment":"<experiment>","variant":"<variant>"}',
    ),
    Kind("click", "ui", "web", "controls", '{"element":"<element>","feature":"<feature>"}'),
    Kind("feature_use", "ui", "web", "workspace", '{"feature":"<feature>","duration_ms":<duration>}'),
    Kind(
        "form_submit",
        "ui",
        "web",
        "forms",
        '{"form":"<form>","n_fields":<small_count>,"duration_ms":<duration>,"is_valid":<mostly_true>}',
    ),
    Kind(
        "search",
        "ui",
        "web",
        "search",
        '{"query":"<query>","query_length":<query_length>,"n_results":<count>,"feature":"<feature>",'
        '"experimental_hint":"<hint>"}',
    ),
    Kind("export", "ui", "web", "reports", '{"format":"<file_format>","n_rows":<count>}'),
    Kind("feedback", "ui", "web", "feedback", '{"score":<rating>,"comment":"<comment>"}'),
    Kind(
        "call",
        "api",
        "api",
        "gateway",
        '{"endpoint":"<endpoint>","method":"<method>","status":<status>,"latency_ms":<latency>,'
        '"request_bytes":<count>,"api_key":"<api_key>"}',
    ),
    Kind(
        "prompt",
        "ai",
        "assistant",
        "assistant",
        '{"prompt":"<prompt>","prompt_length":<prompt_length>,"n_tokens":<prompt_tokens>,"intent":"<intent>",'
        '"model":"<model>","prompt_template":"<prompt_template>","language":"<language>",'
        '"prompt_complexity":<complexity>,"sentiment":<sentiment>}',
        retention="medium_term",
    ),
    Kind(
        "response",
        "ai",
        "assistant",
        "assistant",
        '{"response":"<response>","response_length":<response_length>,"n_tokens":<response_tokens>,'
        '"latency_ms":<slow_latency>,"model":"<model>","prompt_template":"<prompt_template>","quality":<quality>,'
        '"cost":<cost>,"regenerated":<regenerated>,"succeeded":<answered>}',
        retention="medium_term",
    ),
    Kind(
        "rating",
        "ai",
        "assistant",
        "assistant",
        '{"rating":<rating>,"edited":<rarely_true>,"prompt_template":"<prompt_template>"}',
        retention="medium_term",
    ),
    Kind(
        "error",
        "system",
        "service",
        "runtime",
        '{"code":"<error_code>","severity":"<severity>","handled":<mostly_true>,"latency_ms":<latency>}',
        retention="transient",
    ),
    Kind(
        "task_created",
        "business",
        "web",
        "tasks",
        '{"task_kind":"<form>",' + _ITEMS + ',"note":"<note>"}',
        retention="medium_term",
    ),
    Kind(
        "upgrade",
        "business",
        "web",
        "billing",
        '{"plan":"<plan>","previous_plan":"<previous_plan>","seats":<seats>,"amount":<amount>,"mrr":<mrr>}',
        retention="long_term",
    ),
    Kind(
        "payment",
        "business",
        "service",
        "billing",
        '{"plan":"<plan>","amount":<amount>,"currency":"<currency>","card":"<card>","email":"<email>",'
        '"full_name":"<full_name>","payment_method":"<payment_method>","mrr":<mrr>,"succeeded":true}',
        retention="long_term",
    ),
    Kind(
        "invite",
        "business",
        "web",
        "members",
        '{"email":"<other_email>","invited_role":"<role>"}',
        retention="medium_term",
    ),
    Kind(
        "login",
        "security",
        "auth",
        "auth",
        '{"method":"<auth_method>","succeeded":true,"risk_score":<risk>}',
        retention="medium_term",
    ),
    Kind(
        "failed_login",
        "security",
        "auth",
        "auth",
        '{"method":"<auth_method>","succeeded":false,"reason":"<failure>","email":"<email>","risk_score":<risk>}',
        retention="medium_term",
    ),
    Kind(
        "mfa",
        "security",
        "auth",
        "auth",
        '{"method":"<mfa_method>","succeeded":<mostly_true>,"phone":"<phone>"}',
        retention="medium_term",
    ),
    Kind(
        "password_reset",
        "security",
        "auth",
        "auth",
        '{"method":"<auth_method>","email":"<email>"}',
        label="sensitive",
        retention="medium_term",
    ),
    Kind(
        "profile_update",
        "profile",
        "web",
        "account",
        '{"full_name":"<full_name>","email":"<email>","phone":"<phone>","date_of_birth":"<date_of_birth>",'
        '"role":"<role>"}',
        label="personal",
        retention="long_term",
    ),
    Kind(
        "identity_check",
        "profile",
        "web",
        "account",
        '{"full_name":"<full_name>","ssn":"<ssn>","passed":<mostly_true>}',
        label="sensitive",
        retention="long_term",
    ),
    Kind(
        "settings_change",
        "profile",
        "web",
        "account",
        '{"setting":"<setting>","is_enabled":<mostly_true>,"account_ref":"<account_ref>"}',
        label="pseudonymized",
        retention="medium_term",
    ),
    Kind(
        "ticket",
        "support",
        "web",
        "support",
        '{"topic":"<topic>","priority":<small_count>,"comment":"<comment>","contact":{"phone":"<phone>",'
        '"email":"<email>"}}',
        retention="medium_term",
    ),
    Kind(
        "signup",
        "profile",
        "web",
        "account",
        '{"full_name":"<full_name>","email":"<email>","phone":"<phone>","role":"<role>",'
        '"acquisition_channel":"<acquisition_channel>"}',
        label="personal",
        retention="long_term",
    ),
    Kind(
        "trial_start",
        "business",
        "web",
        "billing",
        '{"plan":"<plan>","seats":<seats>}',
        retention="long_term",
    ),
    Kind(
        "logout",
        "security",
        "auth",
        "auth",
        '{"method":"<auth_method>","succeeded":true}',
        retention="medium_term",
    ),
)

SYSTEM_KINDS: tuple[Kind, ...] = (
    Kind(
        "metrics",
        "system",
        "service",
        "runtime",
        '{"cpu_percent":<percent>,"memory_percent":<percent>,"queue_length":<small_count>,"latency_ms":<latency>,'
        '"resource":"<machine>"}',
        retention="transient",
        from_client=False,
    ),
    Kind(
        "warning",
        "system",
        "service",
        "runtime",
        '{"code":"<error_code>","severity":"<severity>","handled":true,"resource":"<machine>"}',
        retention="transient",
        from_client=False,
    ),
)

KINDS = USER_KINDS + SYSTEM_KINDS + RARE_KINDS
STATE = {kind.action: number for number, kind in enumerate(KINDS)}


def places(template: str) -> dict[str, str]:
    """JSON pointer of every place in a template, with the column that fills it ('' for a constant)."""
    parsed = json.loads(re.sub(r'(?<!")<(\w+)>', r'"<\1>"', template))
    return dict(_walk(parsed, ""))


def _walk(value: object, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _walk(item, f"{path}/{key}")]
    if isinstance(value, list):
        return [found for item in value for found in _walk(item, f"{path}/*")]
    return [(path, value[1:-1] if isinstance(value, str) and value.startswith("<") else "")]


@cache
def emitted_paths() -> dict[tuple[str, str], str]:
    """(event_type, path) of everything the simulator writes, with the column that fills it."""
    return {
        (kind.event_type, f"/{field}{path}"): column
        for kind in KINDS
        for field, template in kind.templates().items()
        for path, column in places(template).items()
    }
