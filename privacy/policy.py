"""Classification rules and what they compile to per event type and label: the plan the kernel runs. Pure, no I/O."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from privacy import masks
from privacy.anonymity.shared_events import K
from privacy.errors import AmbiguousRuleError, InvalidRuleError
from privacy.format_tokens import FORMS

CLASSES = ("non_personal", "pseudonymized", "personal", "sensitive")
ROOTS = ("data", "metadata", "client_info")
TREATMENTS = {"non_personal": "pass", "pseudonymized": "token", "personal": "mask", "sensitive": "drop"}
FORMAT = "format"  # a token that keeps the form of its value, for a schema that accepts no other
# A rule's key becomes SQL and JSON path text; these characters cannot appear in a quoted JSON path.
FORBIDDEN_KEY = re.compile(r'["\\\x00-\x1f]|^$')
RESERVED = {"_metadata", "_client_info"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One ruling: values at this path of this event type ('*': any) have this class and kind."""

    event_type: str
    path: str
    klass: str
    kind: str
    treatment: str

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in self.path.split("/")[1:])


@dataclass(slots=True)
class Node:
    """A place in an event: named children, one child for any item or key ('*'), or a rule."""

    pointer: str
    children: dict[str, Node] = field(default_factory=dict)
    rule: Rule | None = None

    @property
    def star(self) -> Node | None:
        return self.children.get("*")

    @property
    def is_object(self) -> bool:
        return self.rule is None and self.star is None


def make_rule(event_type: str, path: str, klass: str, kind: str, treatment: str | None = None) -> Rule:
    """A checked rule. Raises InvalidRuleError naming what is wrong.

    A treatment may be its class's, 'drop', or for pseudonymized values of a kind that has a form 'format'.
    """
    kind = masks.ALIASES.get(kind, kind)
    treatment = treatment or TREATMENTS.get(klass, "")
    rule = Rule(event_type, path, klass, kind, treatment)
    where = f"the rule for {event_type} {path}"
    if klass not in CLASSES:
        raise InvalidRuleError(f"{where} has class {klass!r}; use one of {', '.join(CLASSES)}")
    if kind not in masks.MASKS:
        raise InvalidRuleError(f"{where} has kind {kind!r}; use one of {', '.join(masks.MASKS)}")
    _check_treatment(rule, where)
    parts = rule.segments
    if not path.startswith("/") or len(parts) < 2 or parts[0] not in ROOTS:
        raise InvalidRuleError(f"{where} must start with /data/, /metadata/ or /client_info/ and name a key below it")
    if any(FORBIDDEN_KEY.search(part) for part in parts) or (parts[0] == "data" and parts[1] in RESERVED):
        raise InvalidRuleError(f"{where} holds a key that is empty, reserved, or has quotes or control characters")
    return rule


def _check_treatment(rule: Rule, where: str) -> None:
    own = TREATMENTS[rule.klass]
    if rule.treatment in (own, "drop"):
        return
    if rule.treatment != FORMAT or rule.klass != "pseudonymized":
        also = f", {FORMAT}" if rule.klass == "pseudonymized" else ""
        raise InvalidRuleError(
            f"{where} has treatment {rule.treatment!r}; class {rule.klass} allows {own}{also} or drop"
        )
    if rule.kind not in FORMS:
        raise InvalidRuleError(
            f"{where} asks for tokens in the format of kind {rule.kind!r}, which has none to keep; rule token instead "
            f"(kinds with a format: {', '.join(FORMS)})"
        )


@dataclass(frozen=True)
class CompiledPolicy:
    """All rules, indexed by event type, and the digest that identifies them. k: people behind each anonymous row."""

    digest: str
    by_type: dict[str, tuple[Rule, ...]]
    k: int = K
    _trees: dict[str, dict[str, Node]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule], k: int = K) -> CompiledPolicy:
        """Compile rules; raises AmbiguousRuleError when two of them claim one place in different ways."""
        ordered = sorted(set(rules), key=lambda rule: (rule.event_type, rule.path))
        by_type: dict[str, tuple[Rule, ...]] = {}
        for rule in ordered:
            by_type[rule.event_type] = (*by_type.get(rule.event_type, ()), rule)
        policy = cls(digest_of(ordered, k), by_type, k)
        for event_type in by_type:
            policy.tree(event_type)
        return policy

    def tree(self, event_type: str) -> dict[str, Node]:
        """The rules of an event type as one tree per root; a rule for the type itself wins over one for '*'."""
        known = event_type if event_type in self.by_type else "*"
        if known not in self._trees:
            rules = {rule.path: rule for rule in self.by_type.get("*", ())}
            rules |= {rule.path: rule for rule in self.by_type.get(known, ())}
            self._trees[known] = _grow(known, rules.values())
        return self._trees[known]


def digest_of(rules: Iterable[Rule], k: int = K) -> str:
    """SHA-256 over what decides about values; who ruled and why does not change the result."""
    rows = sorted([r.event_type, r.path, r.klass, r.kind, r.treatment] for r in rules)
    return hashlib.sha256(json.dumps(["lethe-policy-2", k, rows], ensure_ascii=False).encode()).hexdigest()


def _grow(event_type: str, rules: Iterable[Rule]) -> dict[str, Node]:
    roots = {root: Node(f"/{root}") for root in ROOTS}
    for rule in rules:
        segments = rule.segments
        node = roots[segments[0]]
        for segment in segments[1:]:
            if node.rule is not None:
                raise _ambiguous(event_type, rule.path, node.pointer)
            escaped = segment.replace("~", "~0").replace("/", "~1")
            node = node.children.setdefault(segment, Node(f"{node.pointer}/{escaped}"))
        if node.children:
            raise _ambiguous(event_type, rule.path, next(iter(node.children.values())).pointer)
        node.rule = rule
    for root in roots.values():
        _check(event_type, root)
    return roots


def _check(event_type: str, node: Node) -> None:
    # DuckDB struct fields ignore case, and '*' beside named keys would leave open which rule a key obeys.
    folded = {key.lower() for key in node.children}
    if len(folded) < len(node.children) or ("*" in node.children and len(node.children) > 1):
        raise _ambiguous(event_type, *[child.pointer for child in node.children.values()][:2])
    for child in node.children.values():
        _check(event_type, child)


def _ambiguous(event_type: str, first: str, second: str) -> AmbiguousRuleError:
    return AmbiguousRuleError(
        f"the rules {first} and {second} for {event_type} claim the same place (one holds the other, '*' stands beside "
        f"a name, or they differ in case only); keep one of them"
    )
