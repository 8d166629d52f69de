"""What one new day costs `lethe run` after a short and after a ten times longer history of the same daily volume.

`python benchmarks/one_new_day.py [--days 200] [--per-day 150]`: the new day is imported as a file; per step the
seconds of the run and the ratio long to short. The bar for the whole is 1.3. Training is shown apart: it reads
every complete cutoff by design, and is skipped where the training set did not change.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.homes import CLOCK, Home, make_home

BAR = 1.3
END = date.fromisoformat(CLOCK[:10]) - timedelta(days=2)
LEARNING = frozenset({"churn_model", "next_action_model"})
MAPPING = """
source: simulator
fields: {id: id, user_id: user_id, persona_id: persona_id, company_id: company_id, event_type: event_type,
  event_source: event_source, component: component, action: action, metadata: metadata,
  data_classification: data_classification, retention_policy: retention_policy, session_id: session_id,
  client_info: client_info, created_at: {timestamp: {field: created_at}},
  received_at: {same_as: created_at}}
data: data
consent: {purposes: [analytics, model_training, personalization, sharing], reason: a benchmark}
"""


def write_history(folder: Path, n_days: int, per_day: int) -> tuple[Path, Path]:
    """A simulated log that ends at END + 1 day, split into its history and its last day."""
    from collection.simulator import SimulationSpec, simulate, write_jsonl

    last = END + timedelta(days=1)
    spec = SimulationSpec(seed=7, n_events=(n_days + 1) * per_day, n_days=n_days + 1, end_on=last, n_users=per_day * 2)
    whole, history, day = folder / "whole.jsonl", folder / "history.jsonl", folder / "day.jsonl"
    write_jsonl(simulate(spec), whole)
    with whole.open() as lines, history.open("w") as old, day.open("w") as new:
        for line in lines:
            on = str(json.loads(line)["created_at"])[:10]
            (new if on == last.isoformat() else old).write(line)
    return history, day


def measure(n_days: int, per_day: int) -> dict[str, Any]:
    """Seconds per step of the run that takes one new day in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = make_home(folder / "home")
        mapping = folder / "mapping.yaml"
        mapping.write_text(MAPPING)
        try:
            history, day = write_history(folder, n_days, per_day)
            first = run(home, history, mapping)
            return {"history": first, "day": run(home, day, mapping), "events": (n_days + 1) * per_day}
        finally:
            home.remove()


def run(home: Home, file: Path, mapping: Path) -> dict[str, Any]:
    """One `lethe run`; a gate's refusal is part of a benchmark's life and is shown, a fault is not."""
    done = home.run("run", str(file), "--mapping", str(mapping), "--json")
    if done.code not in (0, 3):
        raise SystemExit(f"{asdict(done)}")
    return {"code": done.code, "days": done.summary["days"], **done.summary["seconds"]}


def table(short: dict[str, Any], long: dict[str, Any]) -> str:
    """Seconds per step beside each other, then the total without learning."""
    steps = [name for name in short if name in long and name not in ("code", "days", "total")]
    rows = [(name, short[name], long[name]) for name in [*steps, "total"]]
    rows.append(("total without learning", total(short), total(long)))
    lines = [f"{name:<28}{a:>9.2f}{b:>9.2f}{b / a if a else 0:>8.2f}" for name, a, b in rows]
    return "\n".join([f"{'seconds of one new day':<28}{'1x':>9}{'10x':>9}{'ratio':>8}", *lines])


def total(seconds: dict[str, Any]) -> float:
    """Seconds of the run without those of learning."""
    return float(seconds["total"]) - sum(float(seconds.get(step, 0.0)) for step in LEARNING)


def main() -> None:
    """Measure both histories and print the table and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=200)
    arguments.add_argument("--per-day", type=int, default=150)
    options = arguments.parse_args()
    short, long = (measure(options.days * times, options.per_day) for times in (1, 10))
    ratio = total(long["day"]) / total(short["day"])
    print(table(short["day"], long["day"]))
    print(f"days rewritten {short['day']['days']} and {long['day']['days']}; "
          f"exit codes {short['day']['code']} and {long['day']['code']}")  # fmt: skip
    print(f"ratio {ratio:.2f} (bar {BAR}): {'holds' if ratio <= BAR else 'MISSED'}")


if __name__ == "__main__":
    main()
