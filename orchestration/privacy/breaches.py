"""`lethe privacy breaches`: enter a breach, mark what it reached, watch its clock, draft notifications, close it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.readers import reader_of
from warehouse.secrets import write_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.platform import Platform
    from privacy.access_log import Seen
    from privacy.breaches.affected import Affected
    from privacy.breaches.register import Breach, MarkedTable

HELP = "breaches: the register, the 72-hour clock, who is affected, drafts of notifications"
TEXTS = {
    "nature": "what happened",
    "consequences": "what it may mean for people",
    "measures": "what was and will be done",
    "contact": "whom people and the authority can ask",
    "delay_reason": "why the authority is told after 72 hours",
}
LISTS = {"categories_of_data": "a kind of data; repeatable", "categories_of_subjects": "a kind of people; repeatable"}
NUMBERS = {"n_subjects": "about how many people", "n_records": "about how many records"}


def add(actions: Any, command: Any) -> None:
    """Add the actions of this area."""
    start = _by(command(actions, "open", "enter a breach; 72 hours run from the moment somebody became aware"))
    start.add_argument("title", metavar="TITLE", help="a short name for the register")
    start.add_argument("--aware", type=_moment, metavar="TIME", help="when somebody became aware (default: now)")
    start.set_defaults(run=open_breach)
    _add_mark(actions, command)
    state = command(actions, "status", "the clock and the gaps of every breach, or one with its history")
    state.add_argument("breach_id", nargs="?", type=int, metavar="BREACH", help="the number of the breach")
    state.add_argument("--json", action="store_true", help="as JSON")
    state.set_defaults(run=status)
    tell = _by(_numbered(command(actions, "notify", "draft notifications, or enter that one was sent")))
    tell.add_argument("--people", type=Path, metavar="FILE", help="write the affected user ids here, a line each")
    tell.add_argument(
        "--seen-by", metavar="NAME[,FROM[,TO]]", help="with --people: only those whom this reader looked at, by the log"
    )
    tell.add_argument("--sent", choices=("authority", "subjects"), help="enter that these were notified")
    tell.add_argument("--reference", default="", help="with --sent: the file number or how it was sent")
    tell.set_defaults(run=notify)
    end = _by(_numbered(command(actions, "close", "close a breach; both duties must be answered")))
    for whom in ("authority", "subjects"):
        end.add_argument(f"--no-{whom}", default="", metavar="REASON", help=f"why the {whom} need not be notified")
    end.set_defaults(run=close)


def _add_mark(actions: Any, command: Any) -> None:
    mark_ = _by(_numbered(command(actions, "mark", "enter facts and tables that the breach reached")))
    mark_.add_argument(
        "--table", action="append", default=[], metavar="TABLE[,FROM[,TO]]", help="a table and its days; repeatable"
    )
    for name, text in TEXTS.items():
        mark_.add_argument(f"--{name.replace('_', '-')}", help=text)
    for name, text in LISTS.items():
        mark_.add_argument(f"--{name.replace('_', '-')}", action="append", help=text)
    for name, text in NUMBERS.items():
        mark_.add_argument(f"--{name.replace('_', '-')}", type=int, help=text)
    mark_.set_defaults(run=mark)


def open_breach(settings: Settings, options: argparse.Namespace) -> int:
    """Enter a breach."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.breaches import register
    from privacy.breaches.clock import deadline_at

    now = settings.now()
    with Platform.open(settings).database.connect("erasure") as conn:
        number = register.open_breach(
            conn, options.title, aware_at=options.aware or now, opened_by=options.by, now=now
        )  # fmt: skip
        say(f"breach {number} is open; the authority is to be told by {deadline_at(register.load(conn, number))}")
    return DONE


def mark(settings: Settings, options: argparse.Namespace) -> int:
    """Enter facts and tables, and count who is in the tables."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.breaches import affected, register

    platform = Platform.open(settings)
    facts = {name: value for name in (*TEXTS, *LISTS, *NUMBERS) if (value := getattr(options, name)) is not None}
    tables = [_table(text) for text in options.table]
    entry: dict[str, Any] = {"recorded_by": options.by, "now": settings.now()}
    with platform.database.connect("erasure") as conn:
        counted = affected.count(conn, tables, lineage(settings))  # before anything is entered: unknown tables are not
        _keep(platform, conn, options, "privacy breaches mark", [table.table for table in tables], counted)
        if facts:
            register.add_facts(conn, options.breach_id, facts, **entry)
        if tables:
            register.mark_tables(conn, options.breach_id, tables, **entry)
        breach = register.load(conn, options.breach_id)
    for line in counted.found:
        through = f", reached through {line.marked}" if line.is_by_lineage else ""
        say(f"{line.n_subjects:>9,} people  {line.n_rows:>12,} rows  {line.table} ({line.key} ids){through}")
    for table in counted.nameless:
        say(f"who is in {table} cannot be told from its rows")
    say(f"breach {breach.breach_id}: {len(breach.facts)} facts, {len(breach.tables)} tables; "
        f"`lethe privacy breaches notify {breach.breach_id}` drafts the notifications")  # fmt: skip
    return DONE


def status(settings: Settings, options: argparse.Namespace) -> int:
    """Print the clock of every breach, or one in full."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.breaches import register

    now = settings.now()
    with Platform.open(settings).database.connect("erasure") as conn:
        if options.breach_id is None:
            for breach in register.all_breaches(conn):
                document = state_of(breach, now)
                say(json.dumps(document) if options.json else "  ".join(f"{k} {v}" for k, v in document.items()))
            return DONE
        breach = register.load(conn, options.breach_id)
        entries = register.history(conn, options.breach_id)
    document = state_of(breach, now) | {"facts": dict(breach.facts), "tables": [t.table for t in breach.tables]}
    lines = [f"{e.recorded_at}  {e.kind:<9} {e.recorded_by}  {json.dumps(e.details)}" for e in entries]
    if options.json:
        say(json.dumps(document | {"history": lines}))
    else:
        say("\n".join([*(f"{name:<10} {value}" for name, value in document.items()), *lines]))
    return DONE


def state_of(breach: Breach, now: datetime) -> dict[str, Any]:
    """The breach's clock, duties and gaps in a line."""
    from privacy.breaches.clock import deadline_at
    from privacy.breaches.notices import drafts

    left = deadline_at(breach) - now
    told = {whom: str(at) for whom, at in (breach.notified_at or {}).items()}
    authority, subjects = drafts(breach, None, now)
    return {
        "breach": breach.breach_id,
        "title": breach.title,
        "state": "closed" if breach.closed_at else "open",
        "hours_left": round(left.total_seconds() / 3600, 1),
        "told": told,
        "alarms": list(breach.alarms),
        "missing": sorted({*authority.missing, *subjects.missing}),
    }


def notify(settings: Settings, options: argparse.Namespace) -> int:
    """Write drafts into the home, or enter that somebody was told."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.breaches import register

    platform = Platform.open(settings)
    with platform.database.connect("erasure") as conn:
        if options.sent:
            register.record_notification(
                conn, options.breach_id, options.sent, reference=options.reference, recorded_by=options.by,
                now=settings.now(),
            )  # fmt: skip
            say(f"breach {options.breach_id}: the {options.sent} were notified")
            return DONE
        breach = register.load(conn, options.breach_id)
        found = _affected(platform, conn, breach, options)
        _keep(platform, conn, options, "privacy breaches notify", [table.table for table in breach.tables], found)
        conn.commit()
        paths = _write_drafts(platform, conn, breach, found, options.by)
    if options.people is not None:
        write_private(options.people, "".join(f"{user}\n" for user in found.user_ids or ()))
        say(f"{options.people}: {found.n_people or 0:,} people, {found.n_unidentified:,} pseudonyms without a person")
    for path in paths:
        say(str(path))
    say("these are drafts: check and complete them, send them yourself, then enter that with --sent")
    return DONE


def close(settings: Settings, options: argparse.Namespace) -> int:
    """Close a breach."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.breaches import register

    reasons = {"authority": options.no_authority, "subjects": options.no_subjects}
    with Platform.open(settings).database.connect("erasure") as conn:
        register.close(conn, options.breach_id, reasons=reasons, recorded_by=options.by, now=settings.now())
    say(f"breach {options.breach_id} is closed")
    return DONE


def lineage(settings: Settings) -> dict[str, list[str]]:
    """Table -> the tables it is made from, as dbt's manifest has it."""
    from orchestration import dbt
    from warehouse.settings import export_missing

    export_missing(dbt.NO_LOGIN)
    return lineage_of(json.loads(dbt.manifest_path(settings).read_text()))


def lineage_of(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Table -> the tables it is made from. Pure."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    names = {key: f"{node['schema']}.{node.get('alias') or node['name']}" for key, node in nodes.items()}
    return {
        names[key]: sorted(names[parent] for parent in parents if parent in names)
        for key, parents in manifest["parent_map"].items()
        if key in names and key.startswith("model.")
    }


def _keep(
    platform: Platform, conn: Any, options: argparse.Namespace, command: str, tables: list[str], found: Affected
) -> None:
    """Write down that people were counted or named, many at once, before anything of it is shown."""
    from privacy import access_log

    n_rows = sum(line.n_rows for line in found.found)
    access_log.record(
        conn, platform.vault, reader_of(options, command), at=platform.settings.now(),
        place=", ".join(sorted(set(tables))) or "no table", n_rows=n_rows, subject=None,
    )  # fmt: skip


def _affected(platform: Platform, conn: Any, breach: Breach, options: argparse.Namespace) -> Affected:
    """Counts by table; the people themselves only when asked for."""
    from privacy.breaches import affected
    from privacy.retention.holds import keyed_by

    made_from = lineage(platform.settings)
    if options.people is None:
        return affected.count(conn, breach.tables, made_from)
    resolver = affected.Resolver(keyed_by(platform.vault), platform.vault.purpose_key("training_subjects"))
    seen = _seen(platform, conn, options.seen_by) if options.seen_by else None
    return affected.identify(conn, breach.tables, made_from, resolver, seen=seen)


def _seen(platform: Platform, conn: Any, text: str) -> Seen:
    """Whom a reader looked at, on the days named or ever."""
    from privacy.access_log import seen_by

    span = _table(text)
    first, last = span.first_on or date.min, span.last_on or date(9998, 12, 31)
    since, until = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    return seen_by(conn, platform.vault, span.table, since, until)


def _write_drafts(platform: Platform, conn: Any, breach: Breach, found: Affected, by: str) -> list[Path]:
    """Both drafts as text and document, readable by their owner only; the register keeps their digests."""
    from privacy.breaches import register
    from privacy.breaches.notices import drafts

    now = platform.settings.now()
    folder = platform.home / "breaches" / str(breach.breach_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = []
    for draft in drafts(breach, found, now):
        for suffix, text in (("md", draft.markdown), ("json", draft.json)):
            paths.append(folder / f"{draft.whom}.{suffix}")
            write_private(paths[-1], text)
        details = {"whom": draft.whom, "sha256": draft.sha256, "missing": list(draft.missing)}
        register.record_draft(conn, breach.breach_id, details, recorded_by=by, now=now)
    return paths


def _table(text: str) -> MarkedTable:
    from privacy.breaches.errors import BreachInputError
    from privacy.breaches.register import MarkedTable

    name, *days = text.split(",")
    try:
        first, last = ([date.fromisoformat(day) if day else None for day in days] + [None, None])[:2]
    except ValueError:
        raise BreachInputError(f"{text!r} is no table with days; write schema.table,2026-01-01,2026-01-31") from None
    return MarkedTable(name, first, last)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _by(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--by", required=True, metavar="NAME", help="who enters this; kept")
    return parser


def _numbered(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("breach_id", type=int, metavar="BREACH", help="the number of the breach")
    return parser
