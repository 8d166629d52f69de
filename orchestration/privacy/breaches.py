"""`lethe privacy breaches`: enter a breach, mark what it reached, watch its clock, draft notifications, close it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.readers import reader_of
from warehouse.secrets import write_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.breaches import BreachService, Onlooker
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
    from privacy.breaches.clock import deadline_at

    breach = _service(settings).open(options.title, by=options.by, aware_at=options.aware)
    say(f"breach {breach.breach_id} is open; the authority is to be told by {deadline_at(breach)}")
    return DONE


def mark(settings: Settings, options: argparse.Namespace) -> int:
    """Enter facts and tables, and count who is in the tables."""
    from orchestration.handlers import say

    facts = {name: value for name in (*TEXTS, *LISTS, *NUMBERS) if (value := getattr(options, name)) is not None}
    breach, counted = _service(settings).mark(
        options.breach_id, reader_of(options, "privacy breaches mark"),
        tables=[_table(text) for text in options.table], facts=facts,
    )  # fmt: skip
    for line in counted.found:
        through = f", reached through {line.marked}" if line.is_by_lineage else ""
        say(f"{line.n_subjects:>9,} people  {line.n_rows:>12,} rows  {line.table} ({line.key} ids){through}")
    for table in counted.nameless:
        say(f"who is in {table} cannot be told from its rows")
    say(f"breach {breach.breach_id}: {len(breach.facts)} facts, {len(breach.tables)} tables; "
        f"`lethe privacy breaches notify {breach.breach_id}` drafts the notifications, and so does a running "
        "`lethe up` by itself")  # fmt: skip
    return DONE


def status(settings: Settings, options: argparse.Namespace) -> int:
    """Print the clock of every breach, or one in full."""
    from orchestration.handlers import say

    service, now = _service(settings), settings.now()
    if options.breach_id is None:
        for breach in service.breaches():
            document = state_of(breach, now)
            say(json.dumps(document) if options.json else "  ".join(f"{k} {v}" for k, v in document.items()))
        return DONE
    breach = service.breach(options.breach_id)
    document = state_of(breach, now) | {"facts": dict(breach.facts), "tables": [t.table for t in breach.tables]}
    lines = [
        f"{e.recorded_at}  {e.kind:<9} {e.recorded_by}  {json.dumps(e.details)}"
        for e in service.history(options.breach_id)
    ]
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

    service = _service(settings)
    if options.sent:
        service.record_notification(options.breach_id, options.sent, by=options.by, reference=options.reference)
        say(f"breach {options.breach_id}: the {options.sent} were notified")
        return DONE
    drafted = service.draft(
        options.breach_id, reader_of(options, "privacy breaches notify"),
        is_named=options.people is not None, seen_by=_onlooker(options.seen_by),
    )  # fmt: skip
    if options.people is not None:
        found = drafted.affected
        write_private(options.people, "".join(f"{user}\n" for user in found.user_ids or ()))
        say(f"{options.people}: {found.n_people or 0:,} people, {found.n_unidentified:,} pseudonyms without a person")
    for path in drafted.paths:
        say(str(path))
    say("these are drafts: check and complete them, send them yourself, then enter that with --sent")
    return DONE


def close(settings: Settings, options: argparse.Namespace) -> int:
    """Close a breach."""
    from orchestration.handlers import say

    reasons = {"authority": options.no_authority, "subjects": options.no_subjects}
    _service(settings).close(options.breach_id, by=options.by, reasons=reasons)
    say(f"breach {options.breach_id} is closed")
    return DONE


def _service(settings: Settings) -> BreachService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.breaches import BreachService

    return BreachService(Platform.open(settings))


def _onlooker(text: str | None) -> Onlooker | None:
    from orchestration.privacy.services.breaches import Onlooker

    if text is None:
        return None
    span = _table(text)
    return Onlooker(span.table, span.first_on, span.last_on)


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
