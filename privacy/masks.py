"""What each kind of value becomes when it is personal: one row per kind, as DuckDB SQL over JSON text.

{x} is a JSON scalar as text (strings keep their quotes). Every expression yields JSON text, or NULL when the value
does not look like its kind: a mask never guesses, so such a value is dropped and counted as a type mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass

IS_STRING = "({x} >= '\"' and {x} < '#')"
IS_NUMBER = "({x} >= '-' and {x} < ':')"
IS_BOOLEAN = "({x} >= 'f' and {x} < 'u' and {x} like '%e')"  # neither null nor inf and nan, which DuckDB reads as well
IS_SCALAR = "({x} < '[' or {x} in ('true', 'false'))"  # text that starts with a quote, a sign or a digit
ACCEPTS = {"string": IS_STRING, "number": IS_NUMBER, "boolean": IS_BOOLEAN, "scalar": IS_SCALAR}

# A backslash in JSON text is an escape: slicing could tear it, so such values take the decoded way round.
ESCAPED = "contains({x}, '\\')"
# Such a value is no number of a person anyway; an escape can end in digits that are none ("\\u0007").
DIGITS_AT_END = f"not {ESCAPED} and substr({{x}}, -5) glob '[0-9][0-9][0-9][0-9]\"'"
DOTTED_QUAD = '^"[0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}"$'
DATE_START = '^"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'


def _last_four(length: str, stars: str) -> str:
    shown = f"concat('\"{stars}-', substr({{x}}, -5))"
    return f"case when {IS_STRING} and {length} and {DIGITS_AT_END} then {shown} end"


# Each mask tests the type in its own conditions: a CASE inside a CASE copies the column once more.
IS_EMAIL = f"{IS_STRING} and contains({{x}}, '@') and length({{x}}) > 7"
EMAIL = (
    f"case when {IS_EMAIL} and not {ESCAPED} then concat(left({{x}}, 4), '***@***.***\"') "
    # An escape is up to six characters of JSON for one of the text.
    f"when {IS_EMAIL} and length({{x}} ->> '$') > 5 then to_json(left({{x}} ->> '$', 3) || '***@***.***')::varchar end"
)
PHONE = _last_four("strlen({x}) >= 9", "***-***")
SSN = _last_four("strlen({x}) between 11 and 13", "***-**")
CARD = _last_four("strlen({x}) >= 14", "****-****-****")
IP = (
    f"case when {IS_STRING} and strlen({{x}}) <= 17 and regexp_matches({{x}}, '{DOTTED_QUAD}') "
    "then concat(left({x}, instr({x}, '.') - 1), '.***.***.***\"') end"
)
TRIMMED = "trim({x} ->> '$', ' ')"
# Not empty and without a blank at its ends: what sorts behind the empty string does not begin with one.
NAME_IS_PLAIN = f"{{x}} > '\"\"' and {{x}} < '#' and {{x}} not like '% \"' and not {ESCAPED}"
LAST_INITIAL = (  # splitting is slow, and few names have a second blank
    "case when {x} like '% % %' then left(split_part({x}, ' ', -1), 1) "
    "else substr({x}, greatest(instr({x}, ' '), 1) + 1, 1) end"
)
NAME = (
    f"case when {NAME_IS_PLAIN} then concat(left({{x}}, 2), '*** ', {LAST_INITIAL}, '***\"') "
    f"when {IS_STRING} then to_json(nullif(left({TRIMMED}, 1), '') || '*** ' || "
    f"left(split_part({TRIMMED}, ' ', -1), 1) || '***')::varchar end"
)
BIRTH_DATE = f"case when {IS_STRING} then '\"**/**/****\"' end"
MONTH = f"case when {IS_STRING} and regexp_matches({{x}}, '{DATE_START}') then left({{x}}, 8) || '\"' end"
VALUE = f"case when {IS_NUMBER} then try_cast({{x}} as double) end"
BAND = (
    f"case when {IS_NUMBER} then "
    "case when try_cast({x} as double) is null then null when try_cast({x} as double) < 0 then '\"<0\"' "
    "when try_cast({x} as double) < 1 then '\"0..1\"' when try_cast({x} as double) < 10 then '\"1..10\"' "
    "when try_cast({x} as double) < 100 then '\"10..100\"' when try_cast({x} as double) < 1000 then '\"100..1000\"' "
    "when try_cast({x} as double) < 10000 then '\"1000..10000\"' else '\">=10000\"' end end"
)
CAPPED = (
    f"case when {IS_NUMBER} then "
    "case when try_cast({x} as double) is null or try_cast({x} as double) < 0 then null "
    "when try_cast({x} as double) < 1 then '\"0\"' when try_cast({x} as double) < 2 then '\"1\"' "
    "when try_cast({x} as double) < 5 then '\"2..4\"' when try_cast({x} as double) < 10 then '\"5..9\"' "
    "when try_cast({x} as double) < 20 then '\"10..19\"' when try_cast({x} as double) < 50 then '\"20..49\"' "
    "else '\">=50\"' end end"
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
        Mask("date_of_birth", "string", BIRTH_DATE),
        Mask("iban", "string", None),
        Mask("postal_address", "string", None),
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
ALIASES = {
    "card": "credit_card",
    "ip": "ip_address",
    "name": "full_name",
    "dob": "date_of_birth",
    "label": "category",
    "address": "postal_address",
}


def masked(kind: str, x: str) -> str | None:
    """The expression for a personal value of a kind, or None when nothing of it may pass."""
    template = MASKS[kind].personal
    return None if template is None else template.format(x=x)


def passed(kind: str, x: str) -> str:
    """The value itself where it has the JSON type of its kind, else NULL."""
    return f"case when {ACCEPTS[MASKS[kind].accepts].format(x=x)} then {x} end"


def tokenised(kind: str, x: str) -> str:
    """HMAC-SHA256 (FIPS 198-1) of kind and value under the session variables field_ipad and field_opad."""
    inner = f"unhex(sha256(getvariable('field_ipad') || encode('{kind}:' || {x})))"
    digest = f"left(sha256(getvariable('field_opad') || {inner}), 32)"
    return f"case when {IS_SCALAR.format(x=x)} then '\"t_' || {digest} || '\"' end"
