"""What every part of the dbt project has to state, looked up in dbt's manifest. Pure: a manifest in, sentences out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
Node = dict[str, Any]
STATED_OF_FEATURE = ("unit", "window_days", "purpose", "class", "retention")
STATED = ("grain", "key", "purpose", "class", "retention")
ACCESS = {
    "staging": {"protected", "private"},
    "sessions": {"protected", "private"},
    "aggregates": {"protected", "private"},
    "features": {"public"},
    "marts": {"public"},
}
LOGIC = re.compile(r"\b(join|over|case|group by)\b", re.IGNORECASE)


def faults(manifest: Manifest) -> list[str]:
    """Everything that a model, source or exposure does not state and should: 'name: what is missing'."""
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    found = [(model["name"], fault) for model in models for fault in _faults_of_model(model, manifest)]
    found += [(source["name"], fault) for source in manifest["sources"].values() for fault in _faults_of_source(source)]
    found += [(e["name"], fault) for e in manifest["exposures"].values() for fault in _faults_of_exposure(e, manifest)]
    read = {name for exposure in manifest["exposures"].values() for name in exposure["depends_on"]["nodes"]}
    found += [
        (model["name"], "no exposure reads it")
        for model in models
        if model["schema"] in ("features", "marts") and model["unique_id"] not in read
    ]
    return [f"{name}: {fault}" for name, fault in found]


def _faults_of_model(model: Node, manifest: Manifest) -> Iterator[str]:
    meta, columns = model["config"]["meta"], model["columns"].values()
    if not model["description"].strip():
        yield "no description"
    yield from (f"no {word}" for word in STATED if not meta.get(word))
    yield from (f"key {name} is no column" for name in meta.get("key", ()) if name not in model["columns"])
    yield from (f"{c['name']} has no description" for c in columns if not c["description"].strip())
    if model["access"] not in ACCESS[model["schema"]]:
        yield f"access is {model['access']}"
    if not _has_owner(model, manifest):
        yield "no group with an owner"
    if model["schema"] in ("features", "marts"):
        if not model["config"]["contract"]["enforced"]:
            yield "no contract"
        yield from (f"{c['name']} has no type" for c in columns if not c["data_type"])
    if model["schema"] == "features":
        for column in (c for c in columns if c["data_type"] == "double precision"):
            said = column["meta"] or column["config"]["meta"]
            yield from (f"{column['name']} states no {word}" for word in STATED_OF_FEATURE if word not in said)
    yield from _untested(model, manifest)


def _has_owner(model: Node, manifest: Manifest) -> bool:
    groups = {group["name"]: group["owner"] for group in manifest["groups"].values()}
    return bool(groups.get(model["group"], {}).get("name"))


def _untested(model: Node, manifest: Manifest) -> Iterator[str]:
    """Whoever decides, joins or counts has a unit test; whatever is not a mere view of events has a test of its key."""
    units = {unit["model"] for unit in manifest["unit_tests"].values()}
    if LOGIC.search(re.sub(r"--.*", "", model["raw_code"])) and model["name"] not in units:
        yield "logic without a unit test"
    if model["schema"] != "staging" and model["unique_id"] not in _tested_by("is_key", manifest):
        yield "no test of its key"
    if model["schema"] == "marts":
        yield from _few_people(model, manifest)


def _few_people(mart: Node, manifest: Manifest) -> Iterator[str]:
    """A published table is tested for k people behind every row, or says why that test is not for it: one of both."""
    is_tested = mart["unique_id"] in _tested_by("k_anonymous", manifest)
    reason = str(mart["config"]["meta"].get("not_k_anonymous") or "").strip()
    if not is_tested and not reason:
        yield "no k_anonymous test, and no reason in meta not_k_anonymous"
    if is_tested and reason:
        yield "a k_anonymous test, and a reason why there is none"


def _tested_by(name: str, manifest: Manifest) -> set[str]:
    """The models that a generic test of this name is attached to."""
    tests = (node for node in manifest["nodes"].values() if node["resource_type"] == "test")
    return {test["attached_node"] for test in tests if (test.get("test_metadata") or {}).get("name") == name}


def _faults_of_source(source: Node) -> Iterator[str]:
    """A source says how old it may be, or with which other one it is written: a table may be empty for good reason."""
    if (source["config"]["meta"] or {}).get("fresh_with"):
        return
    freshness = source["freshness"] or {}
    yield from (f"no {when}" for when in ("warn_after", "error_after") if not (freshness.get(when) or {}).get("count"))
    if not source["loaded_at_field"]:
        yield "no loaded_at_field"


def _faults_of_exposure(exposure: Node, manifest: Manifest) -> Iterator[str]:
    purpose = exposure["config"]["meta"].get("purpose")
    if not (exposure["description"].strip() and exposure["owner"].get("name") and exposure["depends_on"]["nodes"]):
        yield "no description, owner or model"
    for name in exposure["depends_on"]["nodes"]:
        if manifest["nodes"][name]["config"]["meta"].get("purpose") != purpose:
            yield f"{name} has another purpose"
