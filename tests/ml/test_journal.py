"""The journal's schema, and that neither a full, missing, slow disk nor midnight costs the caller or tears a line."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml import journal as journals
from ml.journal import Entry, Event, Journal

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
FIELDS = ["timestamp", "event", "dataset", "model", "decision", "reasoning", "metrics_snapshot"]
SEED_EVENTS = {
    "DATASET_UPLOADED", "DATASET_VALIDATED", "DATASET_PREPROCESSED",
    "TRAINING_STARTED", "TRAINING_PROGRESS", "TRAINING_COMPLETED", "TRAINING_FAILED", "TRAINING_STOPPED",
    "MODEL_EVALUATED", "MODEL_SAVED", "MODEL_DOWNLOADED", "MODEL_COMPARED",
    "ALGORITHM_SELECTED", "HYPERPARAMETERS_SET", "ISSUE_DETECTED",
}  # fmt: skip
MIDNIGHT = datetime(2024, 5, 7, tzinfo=UTC)
N_EACH = 400


def _lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_an_entry_has_exactly_the_seven_fields_with_explicit_nulls(tmp_path: Path) -> None:
    with Journal(tmp_path, now=lambda: AT) as journal:
        journal.write(Entry(Event.TRAINING_STARTED))
    (line,) = (tmp_path / "decisions-2024-05-06.jsonl").read_text().splitlines()
    document = json.loads(line)
    assert list(document) == FIELDS
    assert document["timestamp"] == "2024-05-06T07:08:09Z"
    assert [document[f] for f in FIELDS[2:]] == [None] * 5


def test_the_event_types_are_those_of_the_specification() -> None:
    assert {str(event) for event in Event} == SEED_EVENTS


def test_a_metric_that_is_no_number_becomes_null(tmp_path: Path) -> None:
    with Journal(tmp_path, now=lambda: AT) as journal:
        journal.write(Entry(Event.MODEL_EVALUATED, metrics={"auc": float("nan"), "n": 3}))
    assert _lines(tmp_path)[0]["metrics_snapshot"] == {"auc": None, "n": 3}


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 3), ("INFO", 2), ("ERROR", 1), ("OFF", 0)])
def test_the_level_decides_what_is_written(tmp_path: Path, level: str, expected: int) -> None:
    with Journal(tmp_path / "logs", now=lambda: AT, level=level) as journal:
        journal.write(Entry(Event.TRAINING_PROGRESS, level="DEBUG"))
        journal.write(Entry(Event.TRAINING_STARTED))
        journal.write(Entry(Event.ISSUE_DETECTED))
    assert (len(_lines(tmp_path / "logs")) if expected else 0) == expected


def test_a_full_disk_breaks_nothing_and_is_reported(tmp_path: Path) -> None:
    (tmp_path / "decisions-2024-05-06.jsonl").symlink_to("/dev/full")
    journal = Journal(tmp_path, now=lambda: AT)
    for _ in range(5):
        journal.write(Entry(Event.TRAINING_STARTED))
    report = journal.close()
    assert (report.n_written, report.n_dropped) == (0, 5)
    assert "No space left" in str(report.last_error)


def test_a_disk_that_takes_half_a_line_leaves_no_torn_line(tmp_path: Path) -> None:
    """A size limit makes the system call write only the first part, as a disk does when it fills."""
    process = multiprocessing.get_context("spawn").Process(target=_write_under_a_limit, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert len(_lines(tmp_path)) == 2


def _write_under_a_limit(folder: Path) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = len(journals.encode(Entry(Event.TRAINING_STARTED), AT))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size + size // 2, resource.RLIM_INFINITY))
    journal = Journal(folder, now=lambda: AT)
    for _ in range(3):
        journal.write(Entry(Event.TRAINING_STARTED))
    report = journal.close()
    os._exit(0 if (report.n_written, report.n_dropped) == (2, 1) else 1)


def test_a_missing_folder_is_made_and_one_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    with Journal(tmp_path / "a" / "b", now=lambda: AT) as journal:
        journal.write(Entry(Event.TRAINING_STARTED))
    assert len(_lines(tmp_path / "a" / "b")) == 1
    (tmp_path / "file").write_text("")
    blocked = Journal(tmp_path / "file" / "logs", now=lambda: AT)
    blocked.write(Entry(Event.TRAINING_STARTED))
    assert blocked.close().n_dropped == 1


def test_a_disk_that_never_answers_blocks_neither_writing_nor_closing(tmp_path: Path) -> None:
    """Opening a pipe nobody reads blocks for ever, as a hung network disk does."""
    os.mkfifo(tmp_path / "decisions-2024-05-06.jsonl")
    journal = Journal(tmp_path, now=lambda: AT, capacity=10)
    done = threading.Event()

    def work() -> None:
        for _ in range(50):
            journal.write(Entry(Event.TRAINING_STARTED))
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(20)
    report = journal.close(limit_seconds=0.2)
    assert report.n_written == 0
    assert report.n_dropped + report.n_undelivered == 50
    assert report.n_dropped >= 39
    reader = os.open(tmp_path / "decisions-2024-05-06.jsonl", os.O_RDONLY | os.O_NONBLOCK)  # lets the thread end
    time.sleep(0.05)
    os.close(reader)


def test_what_cannot_be_encoded_is_dropped_and_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, now=lambda: AT)
    journal.write(Entry(Event.MODEL_EVALUATED, metrics={"x": object()}))
    assert journal.close().n_dropped == 1


def test_after_closing_an_entry_is_counted_as_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path, now=lambda: AT)
    journal.close()
    journal.write(Entry(Event.TRAINING_STARTED))
    assert journal.close().n_dropped == 1


def _write_across_midnight(folder: Path, number: int) -> None:
    clock = iter(MIDNIGHT + timedelta(seconds=i - N_EACH // 2) for i in range(N_EACH))
    with Journal(folder, now=lambda: next(clock)) as journal:
        for i in range(N_EACH):
            journal.write(Entry(Event.TRAINING_PROGRESS, str(number), None, str(i), "x" * 6000))


def test_four_processes_across_midnight_lose_and_tear_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_across_midnight, args=(tmp_path, n)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = {(entry["dataset"], entry["decision"]) for entry in _lines(tmp_path)}
    assert len(_lines(tmp_path)) == len(found) == 4 * N_EACH
    names = {path.name: path for path in tmp_path.iterdir()}
    assert set(names) == {"decisions-2024-05-06.jsonl", "decisions-2024-05-07.jsonl"}
    for name, path in names.items():
        days = {json.loads(line)["timestamp"][:10] for line in path.read_text().splitlines()}
        assert days == {name[10:20]}
