"""What each group of benchmarks of models runs, and the rows that its figures become."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

from benchmarks.running import BenchmarkError, Row, Runner, interpreter_with, others_data, rows_of


def text_models(runner: Runner) -> list[Row]:
    """Each with its interval; the protocol stands in benchmarks/model_bars_text.py."""
    return _bars(runner, "model_bars_text", "intents", ("intents", "vectors", "preferences", "generation"))


def sequence_models(runner: Runner) -> list[Row]:
    """Each with its interval; the protocol stands in benchmarks/model_bars_sequences.py."""
    parts = ("bms", "fifa", "vendors", "projects", "returns")
    return [
        *_bars(runner, "model_bars_sequences", "page_sequences", parts),
        *_bars(runner, "model_bars_networks", "page_sequences", ("bms", "fifa")),
    ]


def tabular_models(runner: Runner) -> list[Row]:
    """Each with its interval; the protocol stands in benchmarks/model_bars_tabular.py."""
    return _bars(runner, "model_bars_tabular", "telco", ("telco", "shoppers", "adult", "risk", "vendors"))


def _bars(runner: Runner, module: str, needed: str, parts: tuple[str, ...]) -> list[Row]:
    folder = others_data()
    if not (folder / needed).is_dir():
        raise BenchmarkError(f"no {needed}/; set LETHE_SHARED_DATA")
    return [
        found
        for part in parts
        for found in rows_of(part, partial(_bar_part, module, folder, part), runner.ends_at - time.monotonic())
    ]


def _bar_part(module: str, folder: Path, part: str, runner: Runner) -> list[Row]:
    exact = "{value:.4f} [{low:.4f}, {high:.4f}] {note}"
    return [
        Row(f["name"], f["value"], f["unit"], f["bar"], exact.format(**f), f.get("at_most", False))
        for f in runner.document(module, str(folder), "--only", part)["figures"]
    ]


def drift(runner: Runner) -> list[Row]:
    peer, why = interpreter_with("evidently", "evidently", "evidently==0.7.23", "pandas<3")
    found = runner.document("drift", "--json", *(("--peer-python", peer) if peer else ()))
    rows = []
    for size, alarms in found["false_alarms"].items():
        if alarms is None:
            continue
        beside = found["peer"].get(size) if isinstance(found["peer"], dict) else None
        note = why or (f"peer calls a column drifted in {beside:.0%}" if beside is not None else "")
        name = f"windows of {int(size):,} rows"
        rows.append(Row(f"drift, false alarms, {name}", 100 * alarms, "%", 5.0, note, less_is_better=True))
        rows.append(Row(f"drift, a real shift found, {name}", 100 * found["found"][size], "%", 95.0))
    return rows


def diagnosis(runner: Runner) -> list[Row]:
    found = runner.document("diagnosis", "--json")
    return [
        Row(f"cause named rightly, {found['planted']} planted", 100 * found["named_rightly"], "%", 90.0),
        Row("reports on 30 healthy trainings", found["reports_in_30"], "", 1.0, less_is_better=True),
    ]


def embedded_scores(runner: Runner) -> list[Row]:
    rows = []
    for found in json.loads(runner.text("embedded", "--json")):
        for name in ("online", "python", "javascript", "onnx"):
            if (far := found.get(f"{name}_difference")) is not None:
                what = f"{found['rung']}, {name} against batch, 10,000 rows"
                note = f"{found[f'{name}_us_a_row']} microseconds a row"
                rows.append(Row(what, far, "largest difference", 1e-6, note, less_is_better=True))
    return rows
