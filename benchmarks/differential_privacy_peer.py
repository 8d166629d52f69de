"""The peer of differential_privacy.py: PipelineDP's distinct users per public group, as JSON with seconds.

Run by the interpreter of an environment with pipeline-dp and pyarrow, on Parquet rows of user and group.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

L0 = 10  # the bound of the published comparison


def main() -> None:
    import pipeline_dp
    from pyarrow import parquet

    table = parquet.read_table(Path(sys.argv[1]))
    rows = list(zip(table["user"].to_pylist(), table["group"].to_pylist(), strict=True))
    groups = sorted(set(table["group"].to_pylist()))
    began = time.perf_counter()
    accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1.0, total_delta=1e-6)
    engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
    wish = pipeline_dp.AggregateParams(
        metrics=[pipeline_dp.Metrics.PRIVACY_ID_COUNT],
        noise_kind=pipeline_dp.NoiseKind.LAPLACE,
        max_partitions_contributed=L0,
        max_contributions_per_partition=1,
    )
    columns = pipeline_dp.DataExtractors(
        privacy_id_extractor=lambda row: row[0],
        partition_extractor=lambda row: row[1],
        value_extractor=lambda _row: 0,
    )
    answer = engine.aggregate(rows, wish, columns, public_partitions=groups)
    accountant.compute_budgets()
    values = {group: metrics.privacy_id_count for group, metrics in answer}
    elapsed = time.perf_counter() - began
    sys.stdout.write(json.dumps({"values": values, "seconds": elapsed}) + "\n")


if __name__ == "__main__":
    main()
