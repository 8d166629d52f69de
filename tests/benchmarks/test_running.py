"""Whatever a benchmark does, it ends in rows: a failure, a limit and figures that cannot be read say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as table
from benchmarks.running import BenchmarkError, Row, Runner, rows_of

SIMULATOR = "simulator_throughput"


def test_a_benchmark_that_fails_hangs_or_says_something_else_is_a_row_with_the_reason() -> None:
    def failing(runner: Runner) -> list[Row]:
        return [Row("never", len(runner.text(SIMULATOR, "many")), "")]

    def hanging(runner: Runner) -> list[Row]:
        return [Row("never", len(runner.text(SIMULATOR, "100000000")), "")]

    def lacking(_runner: Runner) -> list[Row]:
        raise BenchmarkError("no data")

    def odd(_runner: Runner) -> list[Row]:
        return [Row("never", float(json.loads("{}")["figure"]), "")]

    notes = {f.__name__: rows_of(f.__name__, f, 2 if f is hanging else 60) for f in (failing, hanging, lacking, odd)}
    assert all(row.value is None and row.verdict == "skipped" for (row,) in notes.values())
    assert "invalid literal" in notes["failing"][0].note
    assert "its limit" in notes["hanging"][0].note
    assert notes["lacking"][0].note == "no data"
    assert "could not be read: KeyError" in notes["odd"][0].note
    assert rows_of("late", failing, -1)[0].note == "not begun: its time was over"


def test_the_report_is_written_after_each_and_the_table_says_what_was_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(_runner: Runner) -> list[Row]:
        seen = json.loads((tmp_path / "results.json").read_text())
        assert [row["name"] for row in seen["rows"]] == ["quick"]
        return [Row("slow", 70.0, "s", 60.0, less_is_better=True)]

    def quick(_runner: Runner) -> list[Row]:
        return [Row("quick", 5.0, "rows/s", 4.0)]

    monkeypatch.setattr(table, "HERE", tmp_path)
    monkeypatch.setattr(table, "BENCHMARKS", (table.Benchmark(quick, 1), table.Benchmark(slow, 1)))
    assert table.main([]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in printed] == ["met", "MISSED"]
    with pytest.raises(SystemExit):
        table.main(["nothing"])
