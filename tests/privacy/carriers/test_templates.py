"""dbt's templates rendered from a manifest: macros that return values, variables, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import UndefinedError

from privacy.carriers.project import relations
from privacy.carriers.templates import render, with_variables
from privacy.carriers.traces import Relation, Trace

MACROS = {
    "letters": "{% macro letters() -%} {% do return(['a', 'b']) %} {%- endmacro %}",
    "columns": "{% macro columns() -%} {%- for letter in letters() -%} {{ letter }}, {% endfor %} {%- endmacro %}",
}
NODE = {"name": "m", "schema": "marts", "package_name": "lethe", "resource_type": "model", "depends_on": {"nodes": []}}


def manifest(code: str) -> dict[str, Any]:
    """A project of one model with this code."""
    macros = {name: {"name": name, "macro_sql": text, "package_name": "lethe"} for name, text in MACROS.items()}
    found = {"macros": macros, "nodes": {"model.lethe.m": {**NODE, "raw_code": code}}, "sources": {}}
    return with_variables(found, {"vars": {"k": 5}})


def rendered(code: str) -> str:
    return render(code, NODE, manifest(code), is_incremental=False)


def test_a_macro_returns_a_value_to_another() -> None:
    assert rendered("select {{ columns() }}1").split() == ["select", "a,", "b,", "1"]
    assert rendered("{{ letters() | length }}") == "2"


def test_variables_come_from_the_project() -> None:
    assert rendered("{{ var('k') }} {{ var('other', 7) }}") == "5 7"


@pytest.mark.parametrize("code", ["select {{ var('unknown') }}", "select {{ unknown() }}"])
def test_what_is_not_known_is_refused_and_makes_the_model_a_carrier(code: str) -> None:
    with pytest.raises((KeyError, UndefinedError)):
        rendered(code)
    assert relations(manifest(code), {})["marts.m"].rest is not None


def test_a_key_is_followed_through_a_variable() -> None:
    root = Trace(frozenset({"safe.e.subject"}), frozenset({"root"}))
    base = {"safe.e": Relation({"subject": root, "n": None})}
    made = relations(manifest("select subject, n from safe.e where n > {{ var('k') }}"), base)["marts.m"]
    assert set(made.carriers()) == {"subject"}
