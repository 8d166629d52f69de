"""What each kind of value becomes when it is personal: one row per kind, as DuckDB SQL over JSON text.

{x} is a JSON scalar as text (strings keep their quotes). Every expression yields JSON text, or NULL when the value
does not look like its kind: a mask never guesses, so such a value is dropped and counted as a type mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass

IS_STRING = "({x} >= '\"' and {x} < '#')"
IS_NUMBER = "({x} >= '-' and {x} < ':')"
IS_BOOLEAN = "({x} in ('true', 'false'))"
IS_SCALAR = "({x} < '[' or {x} in ('true', 'false'))"  # text that starts with a quote, a sign or a digit
ACCEPTS = {"string": IS_STRING, "number": IS_NUMBER, "boolean": IS_BOOLEAN, "scalar": IS_SCALAR}

# A backslash in JSON text is an escape: slicing could tear it, so such values take the decoded way round.
ESCAPED = "contains({x}, '\\')"
# Such a value is no number of a person anyway; an escape can end in digits that are none ("\\u0007").
DIGITS_AT_END = f"not {ESCAPED} and substr({{x}}, -5) glob '[0-9][0-9][0-9][0-9]\"'"
DOTTED_QUAD = '^"[0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}"$'
DATE_START = '^"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'

EMAIL = (
    f"case when contains({{x}}, '@') and length({{x}}) > 7 then "
    f"case when {ESCAPED} then to_json(left({{x}} ->> '$', 3) || '***@***.***')::varchar "
    f"else left({{x}}, 4) || '***@***.***\"' end end"
)
PHONE = f"case when strlen({{x}}) >= 9 and {DIGITS_AT_END} then '\"***-***-' || substr({{x}}, -5) end"
SSN = f"case when strlen({{x}}) between 11 and 13 and {DIGITS_AT_END} then '\"***-**-' || substr({{x}}, -5) end"
CARD = f"case when strlen({{x}}) >= 14 and {DIGITS_AT_END} then '\"****-****-****-' || substr({{x}}, -5) end"
IP = (
    f"case when strlen({{x}}) <= 17 and regexp_matches({{x}}, '{DOTTED_QUAD}') "
    "then left({x}, instr({x}, '.') - 1) || '.***.***.***\"' end"
)
TRIMMED = "trim({x} ->> '$', ' ')"
NAME_IS_PLAIN = f"not {ESCAPED} and {{x}} <> '\"\"' and {{x}} not like '\" %' and {{x}} not like '% \"'"
NAME = (
    f"case when {NAME_IS_PLAIN} then concat(left({{x}}, 2), '*** ', "
    "case when contains({x}, ' ') then left(split_part({x}, ' ', -1), 1) else substr({x}, 2, 1) end, '***\"') "
    f"else to_json(nullif(left({TRIMMED}, 1), '') || '*** ' || "
    f"left(split_part({TRIMMED}, ' ', -1), 1) || '***')::varchar end"
)
MONTH = f"case when regexp_matches({{x}}, '{DATE_START}') then left({{x}}, 8) || '\"' end"
BAND = (
    "case when try_cast({x} as double) is null then null when try_cast({x} as double) < 0 then '\"<0\"' "
    "when try_cast({x} as double) < 1 then '\"0..1\"' when try_cast({x} as double) < 10 then '\"1..10\"' "
    "when try_cast({x} as double) < 100 then '\"10..100\"' when try_cast({x} as double) < 1000 then '\"100..1000\"' "
    "when try_cast({x} as double) < 10000 then '\"1000..10000\"' else '\">=10000\"' end"
)
CAPPED = (
    "case when try_cast({x} as double) is null or try_cast({x} as double) < 0 then null "
    "when try_cast({x} as double) < 1 then '\"0\"' when try_cast({x} as double) < 2 then '\"1\"' "
    "when try_cast({x} as double) < 5 then '\"2..4\"' when try_cast({x} as double) < 10 then '\"5..9\"' "
    "when try_cast({x} as double) < 20 then '\"10..19\"' when try_cast({x} as double) < 50 then '\"20..49\"' "
    "else '\">=50\"' end"
)


@dataclass(frozen=True, slots=True)
class Mask:
    """One kind: the JSON type its values must have and what is left of them when they are personal (None: nothing).

    names_nobody: the value itself can carry no identifier, so the label `pseudonymized` on an event (whose ids are
    keyed anyway) leaves it as it is instead of turning a measurement into a token.
    """

    kind: str
    accepts: str
    personal: str | None
    names_nobody: bool = False


# The first seven masks keep exactly the fragment that the platform's PII rules name; IPv6 has none and is dropped.
MASKS = {
    mask.kind: mask
    for mask in (
        Mask("email", "string", EMAIL),
        Mask("phone", "string", PHONE),
        Mask("ssn", "string", SSN),
        Mask("credit_card", "string", CARD),
        Mask("ip_address", "string", IP),
        Mask("full_name", "string", NAME),
        Mask("date_of_birth", "string", "'\"**/**/****\"'"),
        Mask("free_text", "string", None),
        Mask("amount", "number", BAND, names_nobody=True),
        Mask("number", "number", BAND, names_nobody=True),
        Mask("duration", "number", BAND, names_nobody=True),
        Mask("count", "number", CAPPED, names_nobody=True),
        Mask("date", "string", MONTH, names_nobody=True),
        Mask("timestamp", "string", MONTH, names_nobody=True),
        Mask("boolean", "boolean", None, names_nobody=True),
        Mask("category", "scalar", None, names_nobody=True),
        Mask("url", "string", None),
        Mask("text", "string", None),
        Mask("id", "scalar", None),
    )
}
ALIASES = {"card": "credit_card", "ip": "ip_address", "name": "full_name", "dob": "date_of_birth", "label": "category"}


def typed(kind: str, x: str, result: str) -> str:
    """The result where the value has the JSON type of its kind, else NULL."""
    condition = ACCEPTS[MASKS[kind].accepts].format(x=x)
    return f"case when {condition} then {result} end"


def masked(kind: str, x: str) -> str | None:
    """The expression for a personal value of a kind, or None when nothing of it may pass."""
    template = MASKS[kind].personal
    return None if template is None else typed(kind, x, template.format(x=x))


def passed(kind: str, x: str) -> str:
    return typed(kind, x, x)


def tokenised(kind: str, x: str) -> str:
    """HMAC-SHA256 (FIPS 198-1) of kind and value under the session variables field_ipad and field_opad."""
    inner = f"unhex(sha256(getvariable('field_ipad') || encode('{kind}:' || {x})))"
    digest = f"left(sha256(getvariable('field_opad') || {inner}), 32)"
    return f"case when {IS_SCALAR.format(x=x)} then '\"t_' || {digest} || '\"' end"
