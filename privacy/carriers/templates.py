"""dbt's templates as SQL, from the manifest as plain JSON: the project's own macros and dbt's few names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

BUILT = ("model", "snapshot", "seed")
Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """A relation as a template writes it: schema and name, no database."""

    schema: str
    identifier: str

    def __str__(self) -> str:
        return f'"{self.schema}"."{self.identifier}"'

    @property
    def name(self) -> str:
        return self.identifier


class Returned(Exception):  # no error: how a macro ends early
    """What a macro returns, when it is no text."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


def with_variables(manifest: Manifest, project: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the variables of dbt_project.yml, which dbt leaves out of it."""
    return {**manifest, "vars": project.get("vars") or {}}


def render(text: str, node: Mapping[str, Any], manifest: Manifest, is_incremental: bool) -> str:
    """The SQL of a template; a name that is not known here raises."""
    macros = tuple(
        (macro["name"], macro["macro_sql"])
        for macro in manifest.get("macros", {}).values()
        if macro.get("package_name") == node.get("package_name")
        and macro["macro_sql"].lstrip().startswith(("{% macro", "{%- macro"))
    )
    environment = _environment(macros)
    names = _names(node, manifest, is_incremental)
    for name, _ in macros:
        names[name] = _macro(environment, name, names)
    return _compiled(environment, text).render(names)


def _macro(environment: SandboxedEnvironment, name: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """A macro as a function that may return any value. Each is compiled alone, so that the others are these too."""

    def call(*arguments: object, **named: object) -> Any:
        made = environment.get_template(name).make_module(dict(names))
        try:
            return getattr(made, name)(*arguments, **named)
        except Returned as found:
            return found.value

    return call


@lru_cache(maxsize=1024)
def _compiled(environment: SandboxedEnvironment, text: str) -> Template:
    """A template, compiled once: the same hooks stand in every incremental model."""
    return environment.from_string(text)


@lru_cache(maxsize=4)
def _environment(macros: tuple[tuple[str, str], ...]) -> SandboxedEnvironment:
    from jinja2 import DictLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        undefined=StrictUndefined, extensions=["jinja2.ext.do"], loader=DictLoader(dict(macros)), cache_size=-1
    )


def _return(value: object = "") -> None:
    raise Returned(value)


def _names(node: Mapping[str, Any], manifest: Manifest, is_incremental: bool) -> dict[str, Any]:
    nodes = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] in BUILT}
    sources = {(s["source_name"], s["name"]): s for s in manifest.get("sources", {}).values()}

    def ref(*names: str, **_: object) -> Named:
        found = nodes[names[-1]]
        return Named(found["schema"], found.get("alias") or found["name"])

    def source(group: str, table: str) -> Named:
        found = sources[group, table]
        return Named(found["schema"], found.get("identifier") or found["name"])

    def var(name: str, *default: object) -> Any:
        return manifest.get("vars", {})[name] if not default else manifest.get("vars", {}).get(name, default[0])

    nothing: Callable[..., str] = lambda *_, **__: ""  # noqa: E731
    return {
        "ref": ref,
        "source": source,
        "var": var,
        "target": {"name": "warehouse", "schema": "staging"},  # as in profiles.yml
        "return": _return,
        "config": nothing,
        "log": nothing,
        "this": Named(node["schema"], node.get("alias") or node["name"]),
        "is_incremental": lambda: is_incremental,
        "execute": True,
        "model": node,
    }
