"""One function per `lethe` command: call the stage, print the result, return the exit code."""

from __future__ import annotations

import argparse
import json
import secrets
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

from orchestration.cli import DONE, REFUSED, USAGE, complain
from warehouse.roles import STAGES
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.classification import ClassificationService


class UnknownRoleError(Exception):
    """A role that the database does not have."""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Import and materialise."""
    from orchestration import commands

    if options.files and not options.mapping:
        return complain(f"files need --mapping; `lethe mapping suggest {options.files[0]}` proposes one", USAGE)
    request = commands.RunRequest(
        tuple(options.files), options.mapping, options.assume_consent, options.reason, options.events, options.seed
    )
    result, outcome = commands.run(settings, request, commands.Console())
    say(commands.render(result, outcome, settings))
    if options.json:
        say(json.dumps(result, default=str))
    if outcome.n_without_basis:
        return USAGE
    return REFUSED if outcome.refusal else DONE


def status(settings: Settings, options: argparse.Namespace) -> int:
    """What this home holds."""
    from orchestration import supervisor

    state = supervisor.status(settings)
    say(json.dumps(state, default=str) if options.json else "\n".join(f"{k:<12} {v}" for k, v in state.items()))
    return DONE


def url(settings: Settings, options: argparse.Namespace) -> int:
    """The database URL of a role."""
    from orchestration.platform import Platform
    from warehouse.database import ADMIN

    if options.role not in (ADMIN, *STAGES):
        raise UnknownRoleError(f"there is no role {options.role}; the roles are {', '.join((ADMIN, *STAGES))}")
    say(Platform.open(settings).database.url(options.role))
    return DONE


def dbt_env(settings: Settings, options: argparse.Namespace) -> int:
    """Shell exports of the dbt role's login, or of a developer's."""
    from orchestration import dbt
    from orchestration.platform import Platform

    database = Platform.open(settings).database
    developer = options.developer
    login = dbt.developer_login(database, developer, secrets.token_urlsafe()) if developer else dbt.login(database)
    for name, value in login.items():
        say(f"export {name}={shlex.quote(value)}")
    return DONE


def up(settings: Settings, options: argparse.Namespace) -> int:
    """Run the web interfaces until stopped."""
    from orchestration import supervisor

    return supervisor.up(settings, dagster_port=options.dagster_port, mlflow_port=options.mlflow_port, say=say)


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Run one service in the foreground."""
    from orchestration import services

    return services.serve(settings, options.service, host=options.host, port=options.port, code=options.code)


def down(settings: Settings, options: argparse.Namespace) -> int:
    """Stop services and server."""
    from orchestration import supervisor

    for line in supervisor.down(settings):
        say(line)
    return DONE


def suggest(settings: Settings, options: argparse.Namespace) -> int:
    """Propose a mapping: YAML on standard output, doubts as comments above it."""
    from collection.suggest import suggest_mapping

    proposal = suggest_mapping(options.file)
    say("".join(f"# unsure: {doubt}\n" for doubt in proposal.doubts) + proposal.mapping_yaml_text)
    return DONE


def quarantine_list(settings: Settings, options: argparse.Namespace) -> int:
    """Quarantined records: where, why, and what to do; never what they hold."""
    from collection import quarantine
    from orchestration.platform import Platform

    with Platform.open(settings).database.connect("collection") as conn:
        counts = quarantine.count_quarantine(conn)
        records = quarantine.list_quarantine(conn, code=options.code, limit=options.limit)
    for item in records:
        where = f"{item.file}:{item.place.line} @{item.place.byte_offset}".replace("None", "-")
        done = "  (replayed)" if item.replayed_at else ""
        say(f"{item.import_id} {item.record_no:>8}  {where}  {item.code}  {item.path or '/'}  {item.hint or ''}{done}")
    for code, n in counts.items():
        say(f"{n:>9,}  {code}")
    say(f"{sum(counts.values()):,} records wait in quarantine; {len(records):,} are listed")
    return DONE


def quarantine_show(settings: Settings, options: argparse.Namespace) -> int:
    """One quarantined record as it was, decrypted."""
    import sys

    from collection import quarantine
    from orchestration.platform import Platform
    from orchestration.privacy.readers import reader_of
    from privacy import access_log
    from privacy.erasure.sealed import owner_of

    platform = Platform.open(settings)
    with platform.database.connect("collection") as conn:
        raw = quarantine.show_record(conn, options.import_id, options.record_no, unseal=platform.vault.unseal)
    place = f"raw.quarantine {options.import_id} {options.record_no}"
    with platform.database.connect("privacy") as conn:
        access_log.record(
            conn, platform.vault, reader_of(options, "quarantine show"), at=settings.now(), place=place, n_rows=1,
            subject=owner_of(raw),
        )  # fmt: skip
    sys.stdout.buffer.write(raw + b"\n")
    return DONE


def quarantine_replay(settings: Settings, options: argparse.Namespace) -> int:
    """Replay quarantined records under a corrected mapping."""
    from orchestration import intake
    from orchestration.platform import Platform

    report = intake.replay(Platform.open(settings), options.mapping, options.assume_consent, options.reason)
    say(json.dumps(asdict(report), default=str))
    return DONE


def classify(settings: Settings, options: argparse.Namespace) -> int:
    """List unruled paths with proposals, or rule on one."""
    if options.confirm:
        return confirm_path(settings, options)
    return reject_path(settings, options) if options.reject else show_unruled(settings, options)


def show_unruled(settings: Settings, options: argparse.Namespace) -> int:
    """Print the paths that nobody ruled on, each with what is proposed for it."""
    items = _classification(settings).unknown()
    if options.json:
        say(json.dumps([asdict(item) for item in items], default=str))
        return DONE
    for item in items:
        p = item.proposal
        proposal = f"{p.klass} ({p.kind}, {p.confidence:.2f}): {p.why}"
        say(f"{item.n_events:>9,}  {item.event_type:<12} {item.path:<40} propose {proposal}")
    say(f"{len(items)} paths have no rule and are left out; rule with `lethe classify --confirm EVENT_TYPE PATH ...`")
    return DONE


def confirm_path(settings: Settings, options: argparse.Namespace) -> int:
    """Write a steward's rule on one path."""
    if missing := _unsaid(options, "class", "kind", "steward", "reason"):
        return complain(f"--confirm needs {missing}", USAGE)
    event_type, path = options.confirm
    _classification(settings).confirm(
        event_type, path, klass=options.klass, kind=options.kind, steward=options.steward, reason=options.reason,
        treatment=options.treatment,
    )  # fmt: skip
    how = f", {options.treatment}" if options.treatment else ""
    say(f"ruled: {event_type} {path} is {options.klass} ({options.kind}{how}); the next run applies it")
    return DONE


def reject_path(settings: Settings, options: argparse.Namespace) -> int:
    """Write a steward's rule that one path never passes."""
    if missing := _unsaid(options, "steward", "reason"):
        return complain(f"--reject needs {missing}", USAGE)
    event_type, path = options.reject
    _classification(settings).reject(event_type, path, steward=options.steward, reason=options.reason)
    say(f"ruled: {event_type} {path} never passes; the next run applies it")
    return DONE


def _classification(settings: Settings) -> ClassificationService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.classification import ClassificationService

    return ClassificationService(Platform.open(settings))


def _unsaid(options: argparse.Namespace, *names: str) -> str:
    """Those of the options that were not given, as they are typed; empty where all were."""
    given = {**vars(options), "class": options.klass}
    return ", ".join(f"--{name}" for name in names if not given[name])


def rollback(settings: Settings, options: argparse.Namespace) -> int:
    """Move the champion back."""
    from ml.promotion import rollback as roll_back
    from orchestration.platform import Platform

    platform = Platform.open(settings)
    with platform.journal() as journal:
        before, after = roll_back(platform.registry_of(options.model), journal, options.reason)
    to = after or "none; the next candidate that passes its gates becomes champion"
    say(f"champion of {options.model}: version {before} -> {to}")
    return DONE


def download(settings: Settings, options: argparse.Namespace) -> int:
    """Copy a model version's file out of the registry."""
    from ml.journal import Entry, Event
    from orchestration.platform import Platform

    platform = Platform.open(settings)
    registry = platform.registry_of(options.model)
    version = options.model_version or registry.champion()
    if version is None:
        return complain(f"{registry.name} has no champion yet; name a --model-version", USAGE)
    if options.to.exists():
        return complain(f"{options.to} exists; name another file", USAGE)
    n_bytes = registry.copy_model(version, options.to)
    with platform.journal() as journal:
        text = f"Somebody with access to this home asked for version {version}; digest and types were checked first."
        figures = {"version": version, "bytes": n_bytes}
        entry = Entry(Event.MODEL_DOWNLOADED, None, registry.name, f"Version {version} copied", text, figures)
        journal.write(entry)
    say(f"{options.to}: {registry.name} version {version}, {n_bytes:,} bytes")
    return DONE


def say(text: str) -> None:
    """Print a result."""
    print(text, flush=True)
