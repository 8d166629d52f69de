"""Carriers of a dbt project, from its manifest as plain JSON: models rendered or compiled, and hooks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from privacy.carriers.lineage import analyse_read, outputs, read
from privacy.carriers.scopes import Scope
from privacy.carriers.templates import BUILT, Manifest, render
from privacy.carriers.traces import Relation, Relations, joined, unanalysed

ROUNDS = 8
PRE, POST = "pre-hook", "post-hook"


@dataclass(frozen=True, slots=True)
class Node:
    """A model as it was read, once for all rounds: its variants, and the statements of its hooks by kind."""

    name: str
    variants: tuple[exp.Query | Relation, ...]
    hooks: Mapping[str, Sequence[exp.Expr]]


def relations(manifest: Manifest, base: Relations) -> dict[str, Relation]:
    """Every relation that dbt makes, as 'schema.name', over the base relations (sources and what migrations made).

    Models may read themselves, and hooks tables that hooks write: those begin as empty, and all is followed again
    until nothing new is carried.
    """
    before: dict[str, Relation] = {}
    nodes = [_read(node, manifest) for node in _in_order(manifest)]
    for _ in range(ROUNDS):
        made = _one_round(nodes, base, before)
        if {n: set(r.carriers()) for n, r in made.items()} == {n: set(r.carriers()) for n, r in before.items()}:
            return made
        before = made
    return {name: Relation(rest=unanalysed("models without end"), is_open=True) for name in before}


def _one_round(nodes: Sequence[Node], base: Relations, before: Relations) -> dict[str, Relation]:
    """Relations of models, and of tables that their hooks write, given what they held before."""
    known: dict[str, Relation] = {**base, **before}
    made: dict[str, Relation] = {}
    targets = {target for node in nodes for target, *_ in _inserts(node)}
    for name in (targets | {node.name for node in nodes}) - set(known):
        known[name] = Relation(is_open=True)
    for node in nodes:
        own = {**known, **_temporary(node, known)}
        made[node.name] = known[node.name] = _model(node, own)
        for target, names, query in _inserts(node):
            made[target] = _merged(made.get(target), outputs(query, Scope(own, {}, {})).renamed(names))
    return made


def relation_name(node: Mapping[str, Any]) -> str:
    """'schema.name' of a node."""
    return f"{node['schema']}.{node.get('alias') or node['name']}"


def _read(node: Mapping[str, Any], manifest: Manifest) -> Node:
    hooks = {kind: list(_hook_statements(node, manifest, kind)) for kind in (PRE, POST)}
    return Node(relation_name(node), tuple(_variants(node, manifest)), hooks)


def _variants(node: Mapping[str, Any], manifest: Manifest) -> Iterable[exp.Query | Relation]:
    if node["resource_type"] == "seed":  # a file of the project: what is in it, nobody can derive
        return [Relation(rest=unanalysed("seed"), is_open=True)]
    compiled = node.get("compiled_code")
    try:
        texts = [compiled] if compiled else [render(node["raw_code"], node, manifest, flag) for flag in (False, True)]
    except Exception as error:  # noqa: BLE001 - whatever a template does, it must not pass as clean
        return [Relation(rest=unanalysed(f"template: {type(error).__name__}"), is_open=True)]
    return [read(text) for text in dict.fromkeys(texts)]


def _model(node: Node, known: Relations) -> Relation:
    found: Relation | None = None
    for variant in node.variants:
        found = _merged(found, analyse_read(variant, known))
    return found or Relation(rest=unanalysed("no SQL"), is_open=True)


def _merged(one: Relation | None, other: Relation) -> Relation:
    """What either variant of a model carries."""
    if one is None:
        return other
    names = [*one.columns, *(name for name in other.columns if name not in one.columns)]
    columns = {name: joined([one.columns.get(name), other.columns.get(name)]) for name in names}
    return Relation(columns, joined([one.rest, other.rest]), one.is_open or other.is_open)


def _temporary(node: Node, known: Relations) -> dict[str, Relation]:
    """Temporary tables that a model's pre-hooks make."""
    made: dict[str, Relation] = {}
    for statement in node.hooks[PRE]:
        if isinstance(statement, exp.Create) and isinstance(statement.expression, exp.Query):
            made[statement.this.name] = outputs(statement.expression, Scope({**known, **made}, {}, {}))
    return made


def _inserts(node: Node) -> Iterator[tuple[str, list[str], exp.Query]]:
    """(table, columns, query) of what a model's hooks insert."""
    for statement in (*node.hooks[PRE], *node.hooks[POST]):
        if isinstance(statement, exp.Insert) and isinstance(statement.expression, exp.Query):
            target = statement.this
            table = target.this if isinstance(target, exp.Schema) else target
            names = [column.name for column in target.expressions] if isinstance(target, exp.Schema) else []
            yield f"{table.db}.{table.name}", names, statement.expression


def _hook_statements(node: Mapping[str, Any], manifest: Manifest, kind: str) -> Iterator[exp.Expr]:
    for hook in node.get("config", {}).get(kind) or []:
        text = hook["sql"] if isinstance(hook, dict) else str(hook)
        try:
            rendered = render(text, node, manifest, True)
        except Exception:  # noqa: BLE001, S112 - a temporary table that is missing then makes its readers carriers
            continue
        yield from _statements(rendered)


def _statements(text: str) -> Iterator[exp.Expr]:
    """Statements one by one: dialect oddities such as `analyze` must not hide the others."""
    for piece in text.split(";"):
        cleaned = piece.replace("on commit drop", "")
        try:
            yield from (statement for statement in parse(cleaned, read="postgres") if statement is not None)
        except SqlglotError:
            continue


def _in_order(manifest: Manifest) -> list[Mapping[str, Any]]:
    """Nodes after those they depend on."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in BUILT}
    done: dict[str, Mapping[str, Any]] = {}

    def visit(key: str) -> None:
        if key in done or key not in nodes:
            return
        for other in nodes[key].get("depends_on", {}).get("nodes", []):
            visit(other)
        done[key] = nodes[key]

    for key in sorted(nodes):
        visit(key)
    return list(done.values())
