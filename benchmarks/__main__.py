"""Runs every benchmark, prints one table, and writes benchmarks/results.json. A peer that cannot be had is said so."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parent
GIT_LOG = "git_activity/git_activity.jsonl.gz"
PEER = HERE / ".venvs" / "presidio"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: whose, what, how much, and the bar it is held against (None: shown beside)."""

    name: str
    value: float | None
    unit: str
    bar: float | None = None
    note: str = ""
    less_is_better: bool = False

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "skipped"
        if self.bar is None:
            return ""
        return "met" if (self.value <= self.bar if self.less_is_better else self.value >= self.bar) else "MISSED"


def simulator() -> list[Row]:
    found = _last_json("simulator_throughput")
    return [Row("simulator", found["simulated_events_per_s"], "events/s, one core", 100_000)]


def imports() -> list[Row]:
    file = Path(Settings.load().shared_data or ROOT.parent / "shared" / "data") / GIT_LOG
    if not file.exists():
        return [Row("import, 210,302 git records", None, "records/s", 40_000, f"no {GIT_LOG}; set LETHE_SHARED_DATA")]
    mapping = ROOT / "examples" / "git_activity" / "mapping.yaml"
    lines = _run("import_throughput", str(file), str(mapping), "3").splitlines()
    rates = [float(line.split(" s, ")[1].split(" ")[0].replace(",", "")) for line in lines if "records/s" in line]
    return [Row("import, 210,302 git records", max(rates), "records/s, two cores", 40_000, "best of 3")]


def kernel() -> list[Row]:
    peer = _peer_python()
    found = _last_json("privacy_kernel", "--json", *(("--peer-python", peer) if peer else ()))
    bars = {1: 350_000.0, 2: 700_000.0}
    rows = []
    for figure in found["figures"]:
        ours = "presidio" not in figure["name"].lower()
        bar = bars.get(figure["cores"]) if ours and "without" not in figure["name"] else None
        rows.append(Row(figure["name"], figure["rows_per_second"], f"rows/s, {figure['cores']} core(s)", bar))
    if found.get("note"):
        rows.append(Row("peer: Presidio detection", None, "rows/s", None, found["note"]))
    return rows


def one_new_day() -> list[Row]:
    found = _last_json("dbt_incremental")
    return [
        Row(
            "dbt, one new day at 10 times the history",
            found["dbt_new_day_ratio"],
            "times the cost",
            1.3,
            less_is_better=True,
        )
    ]


def detection() -> list[Row]:
    peer = _peer_python()
    found = _last_json("pii_detection", "--json", *(("--peer-python", peer) if peer else ()))
    bars = {
        "pattern_micro_f1": 0.93, "phone_f1": 0.88, "name_recall": 0.85, "name_precision": 0.65,
        "texts_per_second": 40_000.0,
    }  # fmt: skip
    rows = [Row(f"detection, {name}", found[name], "", bar) for name, bar in bars.items()]
    false = {name: value for name, value in found.items() if name.startswith("false_per_1000")}
    return rows + [Row(f"detection, {name}", value, "", 20.0, less_is_better=True) for name, value in false.items()]


def anonymity() -> list[Row]:
    return [
        Row(f["name"], f["value"], f["unit"], f["bar"], less_is_better=f["at_most"])
        for f in _last_json("anonymity", "--json")["figures"]
    ]


def private_release() -> list[Row]:
    first = _last_json("differential_privacy", "--json")["figures"][0]
    return [
        Row("private grouped count, median relative error", first["relative_error"], "%", 6.0, less_is_better=True),
        Row("private grouped count", first["seconds"], "s", 1.0, less_is_better=True),
    ]


def vault() -> list[Row]:
    return [
        Row(f["name"], f["by_clock"], f["unit"], f["bar"], f"{f['by_cpu']:,.3g} by CPU", f["unit"] == "seconds")
        for f in _last_json("vault", "--json")["figures"]
    ]


def exports() -> list[Row]:
    found = _last_json("exports")
    return [
        Row("export of a million rows in five formats", found["seconds"], "s", 60.0, less_is_better=True),
        Row("memory of that export", found["peak_mb"], "MB", 512.0, less_is_better=True),
    ]


def erasure() -> list[Row]:
    """At a tenth of the size that the bar is about: making ten million events takes eleven minutes."""
    printed = _run("erasure", "--events", "1000000")
    seconds = float(printed.split("erased with proof in ")[1].split(" s")[0])
    return [Row("one person among a million events erased, with proof", seconds, "s", 60.0, less_is_better=True)]


BENCHMARKS: tuple[Callable[[], list[Row]], ...] = (
    simulator, imports, kernel, one_new_day, detection, anonymity, private_release, vault, exports, erasure,
)  # fmt: skip


def main() -> int:
    """Run them one after another; a benchmark that fails is a row that says so."""
    rows: list[Row] = []
    for benchmark in BENCHMARKS:
        try:
            rows += benchmark()
        except subprocess.CalledProcessError as error:
            rows.append(Row(benchmark.__name__, None, "", None, f"failed: {error.stderr.strip()[-200:]}"))
        for row in rows[-4:]:
            print(_line(row), file=sys.stderr)
    print("\n".join(_line(row) for row in rows))
    report = {
        "measured_at": datetime.now(UTC).isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
        "rows": [{**asdict(row), "verdict": row.verdict} for row in rows],
    }
    (HERE / "results.json").write_text(json.dumps(report, indent=1))
    return 0


def _line(row: Row) -> str:
    value = "-" if row.value is None else f"{row.value:,.2f}" if row.value < 100 else f"{row.value:,.0f}"
    bar = "" if row.bar is None else f"bar {row.bar:,g}"
    return f"{row.name:<52} {value:>12} {row.unit:<22} {bar:<14} {row.verdict:<8} {row.note}".rstrip()


def _run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def _last_json(module: str, *arguments: str) -> dict[str, object] | dict:  # type: ignore[type-arg]
    found: dict = json.loads(_run(module, *arguments).strip().splitlines()[-1])  # type: ignore[type-arg]
    return found


def _peer_python() -> str | None:
    """An interpreter with Presidio, in an environment of its own; None where it cannot be installed."""
    python = PEER / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        made = subprocess.run([uv, "venv", "--quiet", str(PEER)], check=False, capture_output=True)
        packages = ["presidio-analyzer==2.2.366", "spacy"]
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *packages]
        if made.returncode or subprocess.run(command, check=False, capture_output=True).returncode:
            return None
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
