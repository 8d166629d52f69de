"""The batch, the online and the embedded scores of 10,000 rows: how far apart, and how long a row takes.

python -m benchmarks.embedded [--rows 10000] [--json]

Online is one row a call of the same pipeline, as a service would ask. JavaScript is run by node, where there is one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np

from ml import churn, embedded
from ml.embedded import onnx_graph
from ml.embedded.agreement import scores
from ml.embedded.document import document_of, encode
from ml.training_sets import KEYS, LABEL
from tests.ml import synthetic

SCRIPT = """
const { score } = require('./lethe_scorer.js');
const fs = require('fs');
const read = (name) => JSON.parse(fs.readFileSync(__dirname + '/' + name));
const model = read('model.json');
const rows = read('rows.json');
const began = process.hrtime.bigint();
const found = rows.map((row) => score(model, row));
console.log(JSON.stringify({ found, seconds: Number(process.hrtime.bigint() - began) / 1e9 }));
"""


def javascript(text: str, rows: list[dict[Hashable, Any]]) -> tuple[list[float], float] | None:
    """Scores and seconds by node; None where there is none."""
    if (node := shutil.which("node")) is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(Path(embedded.__file__).parent / "scorer.js", folder / "lethe_scorer.js")
        (folder / "model.json").write_text(text)
        (folder / "rows.json").write_text(json.dumps(rows))
        (folder / "run.js").write_text(SCRIPT)
        run = subprocess.run([node, folder / "run.js"], capture_output=True, text=True, check=True)
    said = json.loads(run.stdout)
    return said["found"], said["seconds"]


def measure(rung: str, n_rows: int) -> dict[str, float | str | None]:
    """The largest differences from the batch, and microseconds a row."""
    frame = synthetic.frame(500, -(-n_rows // 500)).head(n_rows)
    features = frame.drop(columns=[*KEYS, LABEL])
    fitted = churn.fit(rung, features.head(3_000), frame[LABEL].head(3_000).to_numpy(np.bool_))
    document, took = document_of(fitted, model="churn"), dict[str, float]()
    batch = churn.probabilities(fitted, features)
    began = time.perf_counter()
    online = np.array([churn.probabilities(fitted, features.iloc[[at]])[0] for at in range(n_rows)])
    took["online"], began = time.perf_counter() - began, time.perf_counter()
    python = scores(document, features)
    took["python"] = time.perf_counter() - began
    known = features.astype(object)
    other = javascript(encode(document), known.where(known.notna(), None).to_dict("records"))
    took["javascript"] = other[1] if other else float("nan")
    graph, began = onnx_graph.graph_of(document), time.perf_counter()
    by_onnx = onnx_graph.scores(graph, features[document["columns"]].to_numpy())
    took["onnx"] = time.perf_counter() - began
    far = {"online": online, "python": python, "onnx": by_onnx} | ({"javascript": np.array(other[0])} if other else {})
    return {
        "rung": rung,
        **{f"{name}_difference": float(np.abs(found - batch).max()) for name, found in far.items()},
        **{f"{name}_us_a_row": round(1e6 * seconds / n_rows, 1) for name, seconds in took.items()},
    }


def main() -> None:
    """Measure each rung that learns, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [measure(rung, options.rows) for rung in churn.RUNGS[1:]]
    print(json.dumps(found) if options.json else "\n".join(map(str, found)))


if __name__ == "__main__":
    main()
