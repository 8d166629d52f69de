"""The peer of the marts: MetricFlow answers metrics from a project's semantic manifest. Run by its own interpreter.

Reads from standard input {"project": folder with dbt_project.yml, profiles.yml and target/semantic_manifest.json,
"queries": [[metrics, group by], ...]}; prints a JSON list with the rows of each query, values as text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def answers(project: Path, queries: list[tuple[list[str], list[str]]]) -> list[list[dict[str, str | None]]]:
    """The rows of each query, by column name: what `mf query` prints."""
    from dbt_metricflow.cli.cli_configuration import CLIConfiguration
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    configuration = CLIConfiguration()
    configuration.setup(project, project, configure_file_logging=False)
    results: list[Any] = [
        configuration.mf.query(MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)).result_df
        for metrics, group_by in queries
    ]
    return [
        [
            {name: None if value is None else str(value) for name, value in zip(found.column_names, row, strict=True)}
            for row in found.rows
        ]
        for found in results
    ]


def main() -> None:
    asked = json.loads(sys.stdin.read())
    found = answers(Path(asked["project"]), asked["queries"])
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
