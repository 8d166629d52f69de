"""The command line as argparse sees it: every command and option with its help text. What they do is elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.privacy.commands import add_areas
from orchestration.privacy.readers import add_reader


def parser() -> argparse.ArgumentParser:
    """The parser of `lethe`; each command sets `handler` to the name of its function in handlers.py."""
    from orchestration import features, federated, models

    top = argparse.ArgumentParser(prog="lethe", description="Event logs to gated, monitored models, with proof.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", type=Path, help="the folder that holds all state (default: the user's data folder)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands, shared)
    _add_services(commands, shared)
    _add_mapping(commands, shared)
    _add_quarantine(commands, shared)
    _add_classify(commands, shared)
    add_areas(commands, partial(_command_of, shared))
    features.add(commands, partial(_command_of, shared))
    federated.add(commands, partial(_command_of, shared))
    models.add(commands, partial(_command_of, shared))
    rollback = _command(commands, shared, "rollback", "make the champion before this one champion again")
    rollback.add_argument("--reason", required=True, help="why; kept in the decision journal")
    models.add_name(rollback)
    download = _command(commands, shared, "download", "a model version's file, its digest and types checked first")
    models.add_name(download)
    download.add_argument("--model-version", type=int, help="the version (default: the champion)")
    download.add_argument("--to", type=Path, required=True, help="the file to write (skops format)")
    return top


def between(least: int, most: int) -> Callable[[str], int]:
    """A type of whole numbers within bounds, for argparse; what is outside is wrong usage."""

    def number(text: str) -> int:
        if not least <= (value := int(text)) <= most:
            raise argparse.ArgumentTypeError(f"{value} is not within {least} to {most}")
        return value

    return number


PORT = between(0, 65_535)
COUNT = between(0, 2**31)


def _command(commands: Any, shared: argparse.ArgumentParser, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, parents=[shared], help=text, description=text)
    command.set_defaults(handler=name)
    return command


def _command_of(shared: argparse.ArgumentParser, actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    return _command(actions, shared, name, text)


def _add_run(commands: Any, shared: argparse.ArgumentParser) -> None:
    run = _command(commands, shared, "run", "import files (or the simulator) and materialise the graph")
    run.add_argument("files", nargs="*", type=Path, metavar="FILE", help="JSON Lines, CSV, Parquet; gz, bz2, xz, zst")
    run.add_argument("--mapping", type=Path, help="how the files' records become log events (YAML)")
    _add_basis(run)
    simulated = between(1, 10**9)
    run.add_argument("--events", type=simulated, default=100_000, help="events to simulate when no file is given")
    run.add_argument("--seed", type=int, default=7, help="seed of the simulation")
    run.add_argument("--json", action="store_true", help="the last line of output is the summary as one JSON object")


def _add_basis(command: argparse.ArgumentParser) -> None:
    command.add_argument("--assume-consent", metavar="PURPOSE[,...]", help="purposes that identified users agreed to")
    command.add_argument("--reason", help="why --assume-consent holds; kept in the consent ledger")


def _add_services(commands: Any, shared: argparse.ArgumentParser) -> None:
    status = _command(commands, shared, "status", "what this home holds and whether its server runs")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    url = _command(commands, shared, "url", "the database URL of a role")
    url.add_argument("--role", default="admin", help="admin, collection, privacy, dbt, quality, ml (default: admin)")
    env = _command(commands, shared, "dbt-env", "the dbt role's login as shell exports, for analysts")
    env.add_argument("--developer", metavar="NAME", help="a login that writes an empty schema dev_NAME only")
    up = _command(commands, shared, "up", "Dagster and MLflow in the browser, until stopped")
    up.add_argument("--dagster-port", type=PORT, default=3000, help="port of the Dagster UI (a free one if taken)")
    up.add_argument("--mlflow-port", type=PORT, default=5000, help="port of the MLflow UI (a free one if taken)")
    serve = _command(commands, shared, "serve", "one service in the foreground, as docker-compose runs it")
    serve.add_argument("service", choices=("code", "webserver", "daemon", "mlflow"))
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=PORT, help="port to listen on (default: the service's own)")
    serve.add_argument("--code", metavar="HOST:PORT", help="code server that webserver and daemon use (default: none)")
    _command(commands, shared, "down", "stop this home's services and server")


def _add_mapping(commands: Any, shared: argparse.ArgumentParser) -> None:
    actions = commands.add_parser("mapping", help="mappings of files to log events").add_subparsers(
        required=True, metavar="ACTION"
    )
    suggest = _command(actions, shared, "suggest", "propose a mapping for a file and say what is unsure")
    suggest.add_argument("file", type=Path, metavar="FILE")


def _add_quarantine(commands: Any, shared: argparse.ArgumentParser) -> None:
    actions = commands.add_parser("quarantine", help="records that could not be stored").add_subparsers(
        required=True, metavar="ACTION"
    )
    listing = _command(actions, shared, "list", "quarantined records and counts by code, without values")
    listing.add_argument("--code", help="only records with this code")
    listing.add_argument("--limit", type=COUNT, default=100, help="at most this many records (default: 100)")
    listing.set_defaults(handler="quarantine_list")
    show = _command(actions, shared, "show", "one record, decrypted, on this terminal only")
    show.add_argument("import_id", metavar="IMPORT")
    show.add_argument("record_no", type=int, metavar="RECORD")
    add_reader(show)
    show.set_defaults(handler="quarantine_show")
    replay = _command(actions, shared, "replay", "try the records again under a corrected mapping")
    replay.add_argument("--mapping", type=Path, required=True, help="the corrected mapping")
    _add_basis(replay)
    replay.set_defaults(handler="quarantine_replay")


def _add_classify(commands: Any, shared: argparse.ArgumentParser) -> None:
    classify = _command(commands, shared, "classify", "fields nobody has ruled on, with proposals; or rule on one")
    classify.add_argument("--confirm", nargs=2, metavar=("EVENT_TYPE", "PATH"), help="rule on one path")
    classify.add_argument("--reject", nargs=2, metavar=("EVENT_TYPE", "PATH"), help="rule that one path never passes")
    classify.add_argument("--class", dest="klass", help="non_personal, pseudonymized, personal or sensitive")
    classify.add_argument("--kind", help="what the values are: email, phone, count, category, ...")
    classify.add_argument(
        "--treatment",
        help="drop, or for pseudonymized values format: tokens that keep the form (email, phone, ssn, credit_card, "
        "ip_address, id); without it the class decides",
    )
    classify.add_argument("--steward", help="who decides")
    classify.add_argument("--reason", help="why")
    classify.add_argument("--json", action="store_true", help="as one JSON object")
