"""Which tables a table is made from, as dbt's manifest has it. What the pipeline adds, privacy.breaches knows."""

from __future__ import annotations

import json
from typing import Any

from warehouse.settings import Settings


def lineage(settings: Settings) -> dict[str, list[str]]:
    """Table -> the tables it is made from; dbt parses the project where that changed. Raises DbtParseError."""
    from orchestration import dbt
    from warehouse.settings import export_missing

    export_missing(dbt.NO_LOGIN)
    return lineage_of(json.loads(dbt.manifest_path(settings).read_text()))


def lineage_of(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Table -> the tables it is made from. Pure."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    names = {key: f"{node['schema']}.{node.get('alias') or node['name']}" for key, node in nodes.items()}
    return {
        names[key]: sorted(names[parent] for parent in parents if parent in names)
        for key, parents in manifest["parent_map"].items()
        if key in names and key.startswith("model.")
    }
