"""The command line in this process: usage, exit codes, and which errors are whose."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ml.feature_sets import read_feature_sets
from orchestration import cli
from orchestration.arguments import parser
from orchestration.dbt import PROJECT_DIR
from orchestration.platform import PlatformResource


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run", "--events", "many"],
        ["run", "--events", "-5"],
        ["run", "--nonsense"],
        ["rollback"],
        ["serve", "everything"],
        ["quarantine"],
        ["quarantine", "show", "import", "seven"],
        ["quarantine", "list", "--limit", "-1"],
        ["up", "--dagster-port", "65536"],
        ["serve", "webserver", "--port", "-1"],
        ["mapping", "suggest"],
        ["features", "extract", "user_ai", "--start", "2026-13-01", "--end", "2026-02-01"],
        ["features", "extract", "user_ai", "--start", "2026-01-05"],
    ],
)
def test_wrong_usage_exits_with_two_and_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == cli.USAGE
    assert "usage: lethe" in capsys.readouterr().err


def test_every_command_has_help_and_a_function() -> None:
    from orchestration import handlers

    for arguments in (
        ["run"], ["status"], ["url"], ["dbt-env"], ["up"], ["serve", "mlflow"], ["down"], ["mapping", "suggest", "f"],
        ["quarantine", "list"], ["quarantine", "show", "i", "1"], ["quarantine", "replay", "--mapping", "m"],
        ["classify"], ["rollback", "--reason", "r"], ["download", "--to", "f"],
    ):  # fmt: skip
        handler = parser().parse_args(arguments).handler.replace("-", "_")
        assert (getattr(handlers, handler).__doc__ or "").strip()


def test_wrong_input_is_two_a_refusal_three_a_broken_promise_one_and_the_rest_unforeseen() -> None:
    """tests/contracts/test_exit_codes.py rules on every error."""
    from collection.errors import CountMismatchError, MissingFileError
    from ml.promotion import PromotionRefusedError
    from orchestration.handlers import UnknownRoleError
    from warehouse.errors import WarehouseError

    assert cli.exit_code(MissingFileError("gone")) == cli.USAGE
    assert cli.exit_code(UnknownRoleError("root")) == cli.USAGE
    assert cli.exit_code(PromotionRefusedError("0.01 short")) == cli.REFUSED
    assert cli.exit_code(CountMismatchError("1 of 2")) == cli.FAULT
    assert cli.exit_code(WarehouseError("down")) == cli.FAULT
    assert cli.exit_code(ZeroDivisionError()) is None


def test_a_path_is_wrong_input_where_the_command_names_it() -> None:
    options = parser().parse_args(["download", "--to", "/nowhere/model.skops", "--home", "/home/of/lethe"])
    for path, code, is_wrong in (
        ("/nowhere/model.skops", errno.ENOENT, True),
        ("/nowhere", errno.ENOTDIR, True),
        ("/nowhere/model.skops", errno.EIO, False),
        ("/home/of/lethe/run.lock", errno.ENOENT, False),  # a fault: nobody named it
    ):
        assert cli.is_named(options, OSError(code, "", path)) is is_wrong


def test_an_interruption_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from orchestration import handlers

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(handlers, "status", interrupted)
    assert cli.main(["status", "--home", str(tmp_path)]) == cli.FAULT
    assert "run the same command again" in capsys.readouterr().err


@pytest.mark.integration
def test_a_feature_set_is_extracted_by_a_command(
    platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong input is words and a two; what dbt has not built is a fault."""

    def lethe(*arguments: str) -> tuple[int, str]:
        code = cli.main(["features", *arguments, "--home", platform.home])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    code, text = lethe("list")
    assert code == cli.DONE
    assert {line.split()[0] for line in text.splitlines()} >= {"user_activity", "user_ai", "user_behavior"}
    span = ("--start", "2022-12-26", "--end", "2023-02-20")
    code, text = lethe("extract", "user_moods", *span)
    assert (code, "no feature set user_moods: known are" in text) == (cli.USAGE, True)
    code, text = lethe("extract", "user_activity", "--start", "2023-02-20", "--end", "2023-02-20")
    assert (code, "give a later end" in text) == (cli.USAGE, True)
    code, text = lethe("extract", "user_activity", *span)
    assert (code, "run dbt build" in text) == (cli.FAULT, True)
    columns = ", ".join(f"{f.name} float8" for f in read_feature_sets(PROJECT_DIR)["user_activity"].features)
    with platform.open().database.connect("dbt") as conn:
        conn.execute(f"create table features.ftr_user_weekly (cutoff_on date, subject text, {columns})".encode())
        days = "date '2023-02-06' + 7 * n, 's1' from generate_series(0, 3) as n"
        conn.execute(f"insert into features.ftr_user_weekly (cutoff_on, subject) select {days}".encode())
    code, text = lethe("extract", "user_activity", *span)
    assert (code, "2 rows of cutoffs" in text, "2 written" in text) == (cli.DONE, True, True)
    assert "0 written" in lethe("extract", "user_activity", *span)[1]
