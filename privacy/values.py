"""SQL for one value: what a rule makes of it, inside arrays and maps too, and JSON object text of members. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from privacy import masks
from privacy.format_function import formatted
from privacy.policy import CLASSES, FORMAT, Node, Rule

TOKENS = ("token", FORMAT)
Members = list[tuple[str, "str | Members"]]  # of a JSON object: key, and SQL of JSON text or the members of an object

# The text of a map key passes with its value, so it must look like a label and hold no long number.
SAFE_KEY = r"regexp_full_match({key}, '[A-Za-z0-9_ .:/$+-]{{1,64}}') and not regexp_matches({key}, '[0-9]{{5}}')"


def treatment(rule: Rule, label: int) -> tuple[str, str]:
    """What happens to a value (pass, token, format, mask, drop) and, for drop, the reason: the stricter class wins."""
    effective = max(CLASSES.index(rule.klass), label)
    mask = masks.MASKS[rule.kind]
    if rule.klass == "sensitive":
        return "drop", "sensitive_path"
    if rule.treatment == "drop":
        return "drop", "ruled_out"
    if effective == 2:
        return ("mask", "") if mask.personal else ("drop", "no_mask")
    if effective == 1 and rule.treatment == FORMAT:
        return FORMAT, ""
    if effective == 1 and (rule.klass == "pseudonymized" or not mask.names_nobody):
        return "token", ""
    return "pass", ""


def _apply(rule: Rule, label: int, x: str, *, anonymous: bool) -> str:
    action, _ = treatment(rule, label)
    if action == "pass":
        return masks.passed(rule.kind, x)
    if action == "mask":
        return masks.masked(rule.kind, x) or "null"
    if action not in TOKENS or anonymous:  # an anonymous row keeps no key that could link two rows to one person
        return "null"
    return formatted(rule.kind, x) if action == FORMAT else masks.tokenised(rule.kind, x)


def passes(node: Node, label: int) -> bool:
    if node.rule is not None:
        return treatment(node.rule, label)[0] != "drop"
    return any(passes(child, label) for child in node.children.values())


def rules_below(node: Node) -> Iterator[Rule]:
    if node.rule is not None:
        yield node.rule
    for child in node.children.values():
        yield from rules_below(child)


def value_of(node: Node, label: int, x: str, *, anonymous: bool, depth: int = 0) -> str:
    """JSON text for the value at a node, given the JSON text x; NULL when nothing of it passes."""
    if node.rule is not None:
        return _apply(node.rule, label, x, anonymous=anonymous)
    if node.star is not None:
        item, entry = _loops(node, label, x, anonymous=anonymous, depth=depth)
        array = f"'[' || array_to_string(list_filter({item}, lambda z{depth}: z{depth} is not null), ',') || ']'"
        mapping = f"'{{' || array_to_string(list_filter({entry}, lambda z{depth}: z{depth} is not null), ',') || '}}'"
        return f"case when {x} >= '[' and {x} < '\\' then {array} when {x} >= '{{' and {x} < '|' then {mapping} end"
    parts: Members = []
    for key, child in node.children.items():
        if passes(child, label):
            place = literal(f'$."{key}"')
            inner = f"json_extract({x}, {place})::varchar"
            parts.append((key, value_of(child, label, inner, anonymous=anonymous, depth=depth + 1)))
    body = object_of(parts) if parts else "null"
    return f"case when {x} >= '{{' and {x} < '|' then {body} end"


def _loops(node: Node, label: int, x: str, *, anonymous: bool, depth: int) -> tuple[str, str]:
    child = node.children["*"]
    name = f"e{depth}"
    value = value_of(child, label, f"{name}::varchar", anonymous=anonymous, depth=depth + 1)
    item = f"list_transform(from_json({x}, '[\"JSON\"]'), lambda {name}: {value})"
    # Where the values need a mask or a token, the keys may be the identifiers: such a map does not pass.
    if any(treatment(rule, label)[0] in ("mask", *TOKENS) for rule in rules_below(child)):
        return item, "[null::varchar]"
    entries = f"map_entries(from_json({x}, '\"MAP(VARCHAR,JSON)\"'))"
    inner = value_of(child, label, f"{name}.value::varchar", anonymous=anonymous, depth=depth + 1)
    key = f"case when {SAFE_KEY.format(key=f'{name}.key')} then to_json({name}.key)::varchar || ':' end"
    return item, f"list_transform({entries}, lambda {name}: {key} || {inner})"


def n_items_of(x: str) -> str:
    items = f"list_count(from_json({x}, '[\"JSON\"]'))"
    values = f"list_count(map_values(from_json({x}, '\"MAP(VARCHAR,JSON)\"')))"
    return f"case when {x} < '\\' then coalesce({items}, 0) else coalesce({values}, 0) end"


def n_shown_of(node: Node, label: int, x: str) -> str:
    item, entry = _loops(node, label, x, anonymous=False, depth=0)
    return f"case when {x} < '\\' then coalesce(list_count({item}), 0) else coalesce(list_count({entry}), 0) end"


def object_of(members: Members) -> str:
    """JSON object text of the members that are not NULL. One n-ary concat: half the cost of a concat per member."""
    pieces = []
    for key, value in members:
        text = value if isinstance(value, str) else f"nullif({object_of(value)}, '{{}}')"
        pieces.append(f"case when {text} is not null then {literal(key_of(key))} end, {text}")
    return f"concat('{{', substr(concat({', '.join(pieces)}), 2), '}}')"


def whole_object(members: Members) -> str:
    """The same text for rows in which no member is NULL."""
    return f"concat({', '.join(_pieces(members))})"


def _pieces(members: Members) -> Iterator[str]:
    text = "{"
    for key, value in members:
        text += key_of(key).removeprefix("," if text.endswith("{") else "")
        inner = [value] if isinstance(value, str) else list(_pieces(value))
        yield from (literal(text), *inner)
        text = ""
    yield literal(text + "}")


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def key_of(key: str) -> str:
    return "," + json.dumps(key, ensure_ascii=False) + ":"
