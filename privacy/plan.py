"""SQL for one event type and label: which leaves pass, how, and the bits that count what had the wrong type. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from privacy.policy import ROOTS, CompiledPolicy, Node
from privacy.values import (
    Members,
    literal,
    n_items_of,
    n_shown_of,
    object_of,
    passes,
    rules_below,
    treatment,
    value_of,
    whole_object,
)

BITS = 62  # per signed 64-bit column


@dataclass(frozen=True, slots=True)
class Plan:
    """The compiled query of one (event type, label) and what its columns mean.

    The query reads `batch(data, metadata, client_info, want_anonymous)` and yields, in the order of its input, data,
    anonymous_data (when it differs), bits0.. (a set bit: the leaf at that place had the wrong type), refused0.. (a set
    bit: the dropped leaf at that place was there) and known_<root> (how many known keys a row holds, for roots with
    rules).
    """

    sql: str
    trees: dict[str, Node]
    differs: bool
    bit_pointers: tuple[str, ...]
    refused_pointers: tuple[str, ...]
    dropped: dict[str, str]
    with_census: bool


@dataclass(slots=True)
class _Leaf:
    node: Node
    root: str
    path: str
    mask: str
    anonymous_mask: str
    n_items: str = ""


@dataclass(slots=True)
class _Refused:
    """A dropped leaf: its value is read to see that it is there, and goes nowhere."""

    pointer: str
    root: str
    path: str


@dataclass(slots=True)
class _Draft:
    label: int
    leaves: list[_Leaf] = field(default_factory=list)
    refused: list[_Refused] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)


def compile_plan(policy: CompiledPolicy, event_type: str, label: int, *, with_census: bool = True) -> Plan:
    """The plan for an event type under a label (index into CLASSES, below sensitive)."""
    trees = policy.tree(event_type)
    draft = _Draft(label)
    for root in ROOTS:
        _collect(draft, root, trees[root], "$")
    if not with_census:
        draft.refused.clear()
    objects = {name: _document(draft, trees, name) for name in ("m", "a")}
    differs = any(leaf.mask != leaf.anonymous_mask for leaf in draft.leaves)
    sql = _query(draft, objects, differs, _known_keys(draft, trees) if with_census else [])
    pointers = tuple(leaf.node.pointer for leaf in draft.leaves)
    refused = tuple(leaf.pointer for leaf in draft.refused)
    return Plan(sql, trees, differs, pointers, refused, draft.dropped, with_census)


def _collect(draft: _Draft, root: str, node: Node, path: str) -> None:
    """Leaves in depth-first order; a '*' subtree is one leaf whose expression loops over its items."""
    for key, child in node.children.items() if node.star is None else ():
        place = f'{path}."{key}"'
        if child.is_object:
            _collect(draft, root, child, place)
        elif not passes(child, draft.label):
            _drop(draft, child)
            if child.rule is not None:
                draft.refused.append(_Refused(child.pointer, root, place))
        else:
            _leaf(draft, root, child, place)
    if node.star is not None:  # the root itself is a map
        _drop_all(draft, node)


def _leaf(draft: _Draft, root: str, node: Node, place: str) -> None:
    if node.star is not None:
        _drop_all(draft, node)
    x = f"x{len(draft.leaves)}"
    shown, hidden = (value_of(node, draft.label, x, anonymous=anonymous) for anonymous in (False, True))
    leaf = _Leaf(node, root, place, shown, hidden)
    if node.star is not None:
        leaf.n_items = f"{n_items_of(x)} > {n_shown_of(node, draft.label, x)}"
    draft.leaves.append(leaf)


def _drop(draft: _Draft, node: Node) -> None:
    for leaf in rules_below(node):
        reason = treatment(leaf, draft.label)[1]
        if reason:
            draft.dropped[leaf.path] = reason


def _drop_all(draft: _Draft, node: Node) -> None:
    for leaf in rules_below(node):
        if treatment(leaf, draft.label)[0] == "drop":
            _drop(draft, node)
            return


def _document(draft: _Draft, trees: dict[str, Node], name: str) -> str:
    """The row's JSON object from the columns m0.. or a0..: data's keys at the top, the other roots below their own."""
    columns = {draft.leaves[i].node.pointer: f"{name}{i}" for i in _shown(draft, name)}
    members = _members(trees["data"], columns)
    members += [("_" + root, inner) for root in ROOTS[1:] if (inner := _members(trees[root], columns))]
    # Most rows of an event type have all of its keys: their text needs no decision per key.
    return f"case when whole_{name} then {whole_object(members)} else {object_of(members)} end" if members else "'{}'"


def _shown(draft: _Draft, name: str) -> list[int]:
    """Which leaves can show anything in the document of columns m0.. or a0..: a token is never in an anonymous one."""
    masks = [leaf.mask if name == "m" else leaf.anonymous_mask for leaf in draft.leaves]
    return [i for i, mask in enumerate(masks) if mask != "null"]


def _whole(draft: _Draft, name: str) -> str:
    return " and ".join(f"{name}{i} is not null" for i in _shown(draft, name)) or "false"


def _members(node: Node, columns: dict[str, str]) -> Members:
    members: Members = []
    for key, child in node.children.items():
        if not child.is_object:
            if child.pointer in columns:
                members.append((key, columns[child.pointer]))
        elif inner := _members(child, columns):
            members.append((key, inner))
    return members


def _known_keys(draft: _Draft, trees: dict[str, Node]) -> list[str]:
    """Per root the number of keys that are there and known: leaves, and objects with a leaf below them."""
    leaves = {leaf.node.pointer: f"x{i} is not null" for i, leaf in enumerate(draft.leaves)}
    refused = {leaf.pointer: f"y{i} is not null" for i, leaf in enumerate(draft.refused)}
    # In whole rows these are there, and DuckDB adds up what is constant once.
    sure = leaves | {draft.leaves[i].node.pointer: "true" for i in _shown(draft, "m")} | refused
    columns = []
    for root in ROOTS:
        own = [condition for pointer, condition in sure.items() if pointer.startswith(f"/{root}/")]
        if own:
            whole = _sum("0", [*own, *_found(trees[root], sure)])
            other = _sum(f"list_count(r_{root})", _found(trees[root], leaves | refused))
            columns.append(f"case when whole_m then {whole} else {other} end as known_{root}")
    return columns


def _sum(first: str, conditions: Iterable[str]) -> str:
    return " + ".join([first, *(f"({condition})::bigint" for condition in conditions)])


def _found(node: Node, there: dict[str, str]) -> Iterator[str]:
    """For every known object below a node the condition that one of its leaves is there."""
    for child in node.children.values():
        if child.is_object:
            if found := [there[pointer] for pointer in _leaf_pointers(child) if pointer in there]:
                yield " or ".join(found)
            yield from _found(child, there)


def _leaf_pointers(node: Node) -> Iterator[str]:
    for child in node.children.values():
        if child.is_object:
            yield from _leaf_pointers(child)
        else:
            yield child.pointer


def object_nodes(node: Node, path: str = "$") -> Iterator[tuple[str, Node]]:
    """Every known object below a node with its JSON path, the node itself first; '*' subtrees are not entered."""
    yield path, node
    for key, child in node.children.items():
        if child.is_object:
            yield from object_nodes(child, f'{path}."{key}"')


def star_objects(node: Node, path: str = "$") -> Iterator[tuple[str, Node]]:
    """Every '*' place below a node whose items have an inside, with its JSON path."""
    for key, child in node.children.items():
        if child.star is not None and child.star.rule is None:
            yield f'{path}."{key}"', child
        elif child.is_object:
            yield from star_objects(child, f'{path}."{key}"')


def json_paths(tree: Node) -> str:
    return "[" + ", ".join(literal(path) for path, _ in object_nodes(tree)) + "]"


def _query(draft: _Draft, objects: dict[str, str], differs: bool, known: list[str]) -> str:
    parsed, leaves = [], []
    for root in ROOTS:
        places = [(f"x{i}", leaf.path) for i, leaf in enumerate(draft.leaves) if leaf.root == root]
        places += [(f"y{i}", leaf.path) for i, leaf in enumerate(draft.refused) if leaf.root == root]
        if places:
            paths = ", ".join(literal(path) for _, path in places)
            parsed.append(f"json_extract({root}, [{paths}])::varchar[] as r_{root}")
            leaves += [f"r_{root}[{n}] as {name}" for n, (name, _) in enumerate(places, 1)]
    shown = [f"{leaf.mask} as m{i}" for i, leaf in enumerate(draft.leaves)]
    if differs:
        shown += [
            f"{leaf.anonymous_mask if leaf.anonymous_mask != leaf.mask else f'm{i}'} as a{i}"
            for i, leaf in enumerate(draft.leaves)
        ]
    whole = [f"{_whole(draft, name)} as whole_{name}" for name in ("ma" if differs else "m")]
    results = [f"{objects['m']} as data", *_bits(draft), *known]
    if differs:
        results.append(f"case when want_anonymous then {objects['a']} end as anonymous_data")
    return (
        f"with parsed as (select {', '.join(['*', *parsed])} from batch), "
        f"leaves as (select {', '.join(['*', *leaves])} from parsed), "
        f"shown as (select {', '.join(['*', *shown])} from leaves), "
        f"judged as (select {', '.join(['*', *whole])} from shown) "
        f"select {', '.join(results)} from judged"
    )


def _bits(draft: _Draft) -> list[str]:
    lost = [
        f"m{i} is null and x{i} is not null and x{i} <> 'null'" + (f" or {leaf.n_items}" if leaf.n_items else "")
        for i, leaf in enumerate(draft.leaves)
    ]
    refused = [f"y{i} is not null" for i in range(len(draft.refused))]
    zero = "false" if any(leaf.n_items for leaf in draft.leaves) else "whole_m"
    return [*_columns_of("bits", lost, zero), *_columns_of("refused", refused)]


def _columns_of(name: str, conditions: list[str], zero: str = "false") -> list[str]:
    """Conditions as bits, the first one lowest, BITS to a column; where zero holds, none of them does."""
    columns = []
    for start in range(0, len(conditions), BITS):
        part = conditions[start : start + BITS]
        terms = [f"case when {condition} then {1 << i}::bigint else 0 end" for i, condition in enumerate(part)]
        columns.append(f"case when {zero} then 0 else {' + '.join(terms)} end as {name}{start // BITS}")
    return columns
