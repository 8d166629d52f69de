"""Feature sets as dbt's yml defines them: each feature's facts, and a version that changes with the definition.

It reads the text of the dbt project; rows are extraction's.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VERSION_DIGITS = 16  # hexadecimal digits of SHA-256: 64 bits, enough for definitions written by people
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_CONFIG = re.compile(r"\{\{\s*config\(.*?\)\s*\}\}", re.DOTALL)
_REF = re.compile(r"\bref\(\s*'(\w+)'\s*\)")
_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)


class FeatureInputError(Exception):
    """What somebody asked of a feature set cannot be given; nothing was written."""


class UnknownFeatureSetError(FeatureInputError):
    """No dbt model defines a feature set of that name; the message lists those there are."""


class IncompleteFeatureError(Exception):
    """A feature's yml lacks a fact that the manifest promises."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One numeric column. window_days: days before the cutoff that it looks at.

    source_columns: table.column where the yml states them, else the tables that the model reads.
    """

    name: str
    type: str
    unit: str
    window_days: int
    purpose: str
    description: str
    source_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A model of schema features whose rows are features of an entity at a cutoff."""

    name: str
    model: str
    purpose: str
    entity: str
    cutoff: str
    features: tuple[Feature, ...]
    version: str

    def manifest(self) -> list[dict[str, Any]]:
        """The features' facts as plain values, in the order of the yml."""
        return [asdict(feature) for feature in self.features]


def read_feature_sets(project: Path) -> dict[str, FeatureSet]:
    """Every feature set of a dbt project (its root folder) by name.

    A model of schema features with the key (cutoff_on, entity) is one: ftr_user_ai_weekly is user_ai, unless its meta
    names a feature_set.
    """
    import yaml

    found: dict[str, FeatureSet] = {}
    for path in sorted((project / "models" / "features").rglob("ftr_*.yml")):
        document = yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for model in document.get("models", ()):
            if feature_set := _feature_set(model, project):
                found[feature_set.name] = feature_set
    return found


def find_feature_set(project: Path, name: str) -> FeatureSet:
    """The feature set of that name. Raises UnknownFeatureSetError."""
    known = read_feature_sets(project)
    if name not in known:
        raise UnknownFeatureSetError(
            f"there is no feature set {name}: known are {', '.join(sorted(known)) or 'none'}; "
            "a model in dbt_project/models/features with the key (cutoff_on, entity) is one"
        )
    return known[name]


def _feature_set(model: dict[str, Any], project: Path) -> FeatureSet | None:
    """The model as a feature set; None for other rows than features of an entity at a cutoff."""
    name, meta = str(model["name"]), _meta(model)
    key = [str(column) for column in meta.get("key", ())]
    cutoffs = [column for column in key if column == "cutoff_on"]
    columns = [column for column in model["columns"] if "unit" in _meta(column)]
    if len(key) != 2 or len(cutoffs) != 1 or not columns:
        return None
    sql = definition(project, name)
    tables = tuple(sorted(set(_REF.findall(sql[name]))))
    features = tuple(_feature(column, name, tables) for column in columns)
    entity = next(column for column in key if column not in cutoffs)
    known_as = str(meta.get("feature_set", name.removeprefix("ftr_").removesuffix("_weekly")))
    return FeatureSet(known_as, name, str(meta["purpose"]), entity, cutoffs[0], features, _version(name, features, sql))


def _feature(column: dict[str, Any], model: str, tables: tuple[str, ...]) -> Feature:
    meta = _meta(column)
    missing = [fact for fact in ("window_days", "purpose") if fact not in meta]
    if missing:
        raise IncompleteFeatureError(f"{model}.{column['name']} states no {', '.join(missing)}; add it to its meta")
    return Feature(
        str(column["name"]),
        str(column.get("data_type", "double precision")),
        str(meta["unit"]),
        int(meta["window_days"]),
        str(meta["purpose"]),
        str(column["description"]),
        tuple(map(str, meta.get("source_columns", tables))),
    )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    """A node's meta, where yml of either age of dbt keeps it."""
    found: dict[str, Any] = {**(node.get("config") or {}).get("meta", {}), **(node.get("meta") or {})}
    return found


def _version(model: str, features: tuple[Feature, ...], sql: dict[str, str]) -> str:
    """Digest of the features' names, units and windows, and of all SQL that makes them; prose changes nothing."""
    facts = [[f.name, f.type, f.unit, f.window_days, f.purpose, list(f.source_columns)] for f in features]
    content = json.dumps([model, facts, sql], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:VERSION_DIGITS]


def definition(project: Path, model: str) -> dict[str, str]:
    """The SQL of a model, of every model it is made from and of every macro they call, by name; without comments."""
    models = {path.stem: path for path in (project / "models").rglob("*.sql")}
    macros = {
        match[1]: match[0]
        for path in sorted((project / "macros").rglob("*.sql"))
        for match in _MACRO.finditer(_COMMENT.sub("", path.read_text("utf-8")))
    }
    found: dict[str, str] = {}
    waiting = [model]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        text = macros[name] if name in macros else _CONFIG.sub("", models[name].read_text("utf-8"))
        found[name] = " ".join(_COMMENT.sub("", text).split())
        waiting += [ref for ref in _REF.findall(text) if ref in models]
        waiting += sorted(set(re.findall(r"\b\w+(?=\s*\()", text)) & macros.keys())
    return found
