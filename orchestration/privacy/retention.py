"""`lethe privacy retention`: see and change how long data stays, hold it for a court, see and do what is due."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE, REFUSED, complain
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.retention import RetentionService
    from privacy.retention.planning import Line

HELP = "how long data stays: terms, legal holds, what is due, deletion"
NEVER = "never"
LOG = "raw.system_logs"
ABOUT = {
    **dict.fromkeys(("transient", "short_term", "medium_term", "long_term"), "what events say of themselves"),
    "api_logs": f"{LOG}: events of type api",
    "security_logs": f"{LOG}: events of type security",
    "deleted_accounts": "everything of a person whose account was deleted: an erasure is opened",
}


def add(actions: Any, command: Any) -> None:
    """Add the actions of this area."""
    listing = command(actions, "policies", "every term, what it is about, and who set it why")
    listing.add_argument("--json", action="store_true", help="as one JSON object")
    listing.set_defaults(run=policies)
    change = _answered(command(actions, "set", "change a term"), "the change")
    change.add_argument("rule", metavar="RULE", help="a policy, or a path into events like /data/prompt")
    change.add_argument("days", type=_days, metavar="DAYS", help=f"how many days, or {NEVER} for no end")
    change.add_argument("--event-type", default="*", help="with a path: the events it is about (default: all)")
    change.add_argument("--refresh", action="store_true", help="how often a copy of foreign data is looked for again")
    change.set_defaults(run=change_term)
    _add_holds(actions, command)
    dry = command(actions, "plan", "what a run would delete now, and what holds keep; deletes nothing")
    dry.add_argument("--json", action="store_true", help="as one JSON object")
    dry.set_defaults(run=plan)
    do = command(actions, "run", "delete what is past its term")
    do.add_argument("--json", action="store_true", help="as one JSON object")
    do.set_defaults(run=delete)


def _add_holds(actions: Any, command: Any) -> None:
    place = _answered(command(actions, "hold", "keep data for a court although its term is over"), "the hold")
    place.add_argument("--user", help="only rows of this user id")
    place.add_argument("--table", help="only rows of this store, as `plan` names it")
    place.add_argument("--from", dest="first_on", type=date.fromisoformat, metavar="DAY", help="only from this day on")
    place.add_argument("--to", dest="last_on", type=date.fromisoformat, metavar="DAY", help="only up to this day")
    place.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="the hold's last day (default: open)")
    place.set_defaults(run=hold)
    end = _answered(command(actions, "release", "end a hold; the next run deletes what it kept"), "the release")
    end.add_argument("hold_id", type=int, metavar="HOLD", help="the number of the hold")
    end.set_defaults(run=release)


def policies(settings: Settings, options: argparse.Namespace) -> int:
    """Print the terms, and which stores each is about."""
    from orchestration.handlers import say
    from orchestration.privacy import retention_models
    from privacy.retention.files import FILE_STORES, MODELS
    from privacy.retention.stores import STORES

    service = _service(settings)
    known, rules = service.policies(), service.property_rules()
    about = {name: [s.table for s in STORES if s.policy == name] for name in known}
    about = {name: [*tables, *(s.name for s in FILE_STORES if s.policy == name)] for name, tables in about.items()}
    about[retention_models.POLICY].append(MODELS)
    if options.json:
        document = {
            "policies": [asdict(p) | {"stores": about[p.name]} for p in known.values()],
            "values": [asdict(r) for r in rules],
        }
        say(json.dumps(document, default=str))
        return DONE
    for policy in known.values():
        refreshed = f", refreshed every {policy.refresh_days} days" if policy.refresh_days else ""
        stores = ", ".join(about[policy.name]) or ABOUT.get(policy.name, "no store yet")
        say(f"{policy.name:<18} {_term(policy.days):<10}{refreshed} {policy.note}\n{'':<18} {stores}")
    for rule in rules:
        say(f"{rule.event_type} {rule.path}: values {_term(rule.days)}, their event stays")
    return DONE


def change_term(settings: Settings, options: argparse.Namespace) -> int:
    """Change the days of a policy or of a path."""
    from orchestration.handlers import say
    from privacy.retention.policies import PropertyRule

    service = _service(settings)
    if options.refresh:
        service.set_refresh(options.rule, options.days, by=options.by, reason=options.reason)
        say(f"{options.rule}: refreshed every {options.days} days; `lethe privacy osint due` shows what is due")
        return DONE
    if options.rule.startswith("/"):
        rule = PropertyRule(options.event_type, options.rule, options.days)
        service.set_property(rule, by=options.by, reason=options.reason)
    else:
        service.set_policy(options.rule, options.days, by=options.by, reason=options.reason)
    say(f"{options.rule}: {_term(options.days)}; `lethe privacy retention plan` shows what that means")
    return DONE


def hold(settings: Settings, options: argparse.Namespace) -> int:
    """Place a hold and say where it sees nobody."""
    from orchestration.handlers import say
    from privacy.retention import holds, stores

    until = datetime.combine(options.until + timedelta(days=1), time(), UTC) if options.until else None
    placed = _service(settings).hold(
        by=options.by, reason=options.reason, user_id=options.user, table=options.table,
        days=(options.first_on, options.last_on), until=until,
    )  # fmt: skip
    say(f"hold {placed.hold_id} is in force")
    if blind := holds.blind_to(placed, stores.STORES):
        say(f"it finds nobody in {', '.join(blind)}; hold such a store as a whole where the person may be in it")
    return DONE


def release(settings: Settings, options: argparse.Namespace) -> int:
    """End a hold."""
    from orchestration.handlers import say

    _service(settings).release(options.hold_id, by=options.by, reason=options.reason)
    say(f"hold {options.hold_id} has ended; what it kept goes with the next run")
    return DONE


def plan(settings: Settings, options: argparse.Namespace) -> int:
    """Print the dry run."""
    from orchestration.handlers import say

    found, models_in_use = _service(settings).plan()
    if options.json:
        holds = [asdict(item) | {"subject": item.subject and "one person"} for item in found.holds]
        in_use = [asdict(model) for model in models_in_use]
        say(json.dumps(asdict(found) | {"holds": holds, "models_in_use": in_use}, default=str))
    else:
        _say_lines(found.lines, "would go")
        for model in models_in_use:
            say(f"{model}: in use, and near or past its term, with which it goes; train and promote another")
        say(
            f"{found.n_closing_days} event days would be closed; whole partitions: {', '.join(found.partitions) or '-'}"
        )
        for name in found.without_store:
            say(f"{name}: refused, no store here holds such data; its term acts on nothing")
        for item in found.holds:
            span = f"{item.first_on or 'first'} to {item.last_on or 'last'} day"
            whose = "of one person" if item.subject else "of everybody"
            say(f"hold {item.hold_id} {whose}, {item.table or 'every store'}, {span}, by {item.placed_by}, "
                f"until {item.ends_at or 'released'}: {item.reason}")  # fmt: skip
    return _faults([*found.uncovered], [*found.misnamed])


def delete(settings: Settings, options: argparse.Namespace) -> int:
    """Delete what is due."""
    from orchestration.handlers import say
    from orchestration.instance import open_instance

    service = _service(settings)
    report, beside = service.run(open_instance(service.platform))
    if options.json:
        counts = {"n_deleted": report.n_deleted, "n_held": report.n_held, **beside}
        say(json.dumps(asdict(report) | counts, default=str))
    else:
        _say_lines(report.lines, "went")
        for name, n_rows in report.partitions.items():
            say(f"{n_rows:>12,} went with the partition raw.{name}")
        say(f"{report.n_deleted:,} went, {report.n_held:,} are held, {report.n_closed_days} event days were closed")
        for name, n in beside.items():
            say(f"{n:>12,} {name.replace('_', ' ')}")
    return _faults(report.uncovered, report.misnamed)


def _service(settings: Settings) -> RetentionService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.retention import RetentionService

    return RetentionService(Platform.open(settings))


def _say_lines(lines: Any, verb: str) -> None:
    from orchestration.handlers import say

    shown: list[Line] = [line for line in lines if line.n or line.n_held]
    for line in shown:
        say(f"{line.n:>12,} {verb:<8} {line.n_held:>10,} held  {line.store:<32} {line.policy}, before {line.cutoff_on}")
    if not shown:
        say("nothing is past its term")


def _faults(uncovered: list[str], misnamed: list[str]) -> int:
    """3 when a table's rows would stay for ever: nobody said how long they may."""
    for table in uncovered:
        complain(f"{table} holds dated rows and no rule; name it in privacy/retention/stores.py", REFUSED)
    for name in misnamed:
        complain(f"{name} is not a column of dates; correct its rule in privacy/retention/stores.py", REFUSED)
    return REFUSED if uncovered or misnamed else DONE


def _answered(parser: argparse.ArgumentParser, what: str) -> argparse.ArgumentParser:
    parser.add_argument("--by", required=True, metavar="NAME", help=f"who answers for {what}; kept")
    parser.add_argument("--reason", required=True, help="why; kept")
    return parser


def _days(text: str) -> int | None:
    return None if text == NEVER else int(text)


def _term(days: int | None) -> str:
    return "no end" if days is None else f"{days} days"
