"""The command line in this process: usage, exit codes, and which errors are whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import cli
from orchestration.arguments import parser


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run", "--events", "many"],
        ["run", "--nonsense"],
        ["rollback"],
        ["serve", "everything"],
        ["quarantine"],
        ["quarantine", "show", "import", "seven"],
        ["mapping", "suggest"],
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
        ["classify"], ["rollback", "--reason", "r"],
    ):  # fmt: skip
        handler = parser().parse_args(arguments).handler.replace("-", "_")
        assert (getattr(handlers, handler).__doc__ or "").strip()


def test_wrong_input_is_two_a_broken_promise_is_one_and_the_rest_is_unforeseen() -> None:
    from collection.errors import CountMismatchError, MissingFileError
    from orchestration.handlers import UnknownRoleError
    from warehouse.errors import WarehouseError

    assert cli.exit_code(MissingFileError("gone")) == cli.USAGE
    assert cli.exit_code(UnknownRoleError("root")) == cli.USAGE
    assert cli.exit_code(CountMismatchError("1 of 2")) == cli.FAULT
    assert cli.exit_code(WarehouseError("down")) == cli.FAULT
    assert cli.exit_code(ZeroDivisionError()) is None


def test_every_name_of_wrong_input_is_an_error_that_exists() -> None:
    """The list is by name, so that nothing is imported for it; a renamed error would silently become a fault."""
    import importlib
    import pkgutil

    import collection
    import ml
    import orchestration
    import privacy
    import quality
    import warehouse

    known: set[str] = set()
    for package in (collection, ml, orchestration, privacy, quality, warehouse):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                known |= set(vars(importlib.import_module(module.name)))
    assert known >= cli.WRONG_INPUT


def test_an_interruption_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from orchestration import handlers

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(handlers, "status", interrupted)
    assert cli.main(["status", "--home", str(tmp_path)]) == cli.FAULT
    assert "run the same command again" in capsys.readouterr().err
