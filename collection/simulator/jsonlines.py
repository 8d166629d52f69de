"""A simulated log as a JSON Lines file and the mapping that imports it. Import itself is the importer's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator.rendering import EVENT_SCHEMA
from collection.simulator.simulation import Simulation

_JSON_FIELDS = ("data", "metadata", "client_info")
_MAPPED = [name for name in EVENT_SCHEMA.names if name not in ("data", "created_at")]

SIMULATOR_MAPPING = (
    "source: simulator\nfields:\n"
    + "".join(f"  {name}: {name}\n" for name in _MAPPED)
    + "  created_at: {timestamp: {field: created_at}}\n  received_at: {same_as: created_at}\ndata: data\n"
)


def write_jsonl(simulation: Simulation, path: Path) -> int:
    """Write the events, one JSON object a line; .gz, .bz2 and .zst compress. Returns the number of lines.

    The file appears under its name when it is complete.
    """
    partial = path.with_name(f"partial-{path.name}")
    try:
        with pa.output_stream(partial, compression="detect") as stream:
            for batch in simulation.events.to_batches(max_chunksize=100_000):
                stream.write(_lines(batch))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return int(simulation.events.num_rows)


def _lines(batch: pa.RecordBatch) -> pa.Buffer:
    """The batch as bytes of JSON Lines: ids and labels need no escapes, JSON columns are JSON already."""
    pieces: list[pa.Array | str] = []
    for number, name in enumerate(EVENT_SCHEMA.names):
        pieces += [f'{"," if number else "{"}"{name}":', _value(name, batch.column(name))]
    lines = pc.binary_join_element_wise(*pieces, "}\n", "").cast(pa.large_string())
    return lines.buffers()[2]


def _value(name: str, values: pa.Array) -> pa.StringArray:
    if name == "created_at":
        values = pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    if name not in _JSON_FIELDS:
        values = pc.binary_join_element_wise('"', values, '"', "")
    return pc.fill_null(values, "null")
