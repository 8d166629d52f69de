"""`lethe privacy budget`: grant, list and trace what private releases may cost, and release. Wiring only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.days import day
from orchestration.privacy.commands import AddCommand
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.budget import BudgetService

HELP = "what differentially private releases may cost, and cost"


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    command(actions, "list", "every budget, what is spent of it and what remains").set_defaults(run=show)
    history_of = command(actions, "history", "every spend, with what was released for it")
    history_of.add_argument("--dataset", help="only of this dataset")
    history_of.set_defaults(run=history)
    _add_grant(command(actions, "grant", "grant a budget to a dataset, purpose and period, once"))
    _add_release(command(actions, "release", "release noisy counts or sums of a table by group, from its budget"))
    _add_publish(command(actions, "publish", "publish how many people of all companies use what, noisy, for a mart"))


def _add_grant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="the table, like safe.pseudonymous_events")
    _add_account(parser)
    parser.add_argument("--epsilon", type=float, required=True, help="the most that all releases together may reveal")
    parser.add_argument("--delta", type=float, required=True, help="the chance that they reveal more, like 1e-6")
    parser.add_argument(
        "--selection-delta", type=float, default=0.0, help="part of delta for releases over groups that are not public"
    )
    parser.add_argument("--by", required=True, help="who grants it; kept in the ledger")
    parser.add_argument("--reason", required=True, help="why; kept in the ledger")
    parser.set_defaults(run=grant)


def _add_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="the table, like safe.pseudonymous_events")
    _add_account(parser)
    parser.add_argument("--user", required=True, help="the column that names the person")
    parser.add_argument("--group", required=True, help="the column to group by")
    parser.add_argument("--value", help="the column to sum, in whole units")
    parser.add_argument("--statistic", choices=("users", "rows", "sum"), default="users", help="what to count")
    parser.add_argument("--lower", type=int, default=0, help="the least value of a sum, by public knowledge")
    parser.add_argument("--upper", type=int, default=0, help="the largest value of a sum, by public knowledge")
    parser.add_argument("--groups", type=Path, metavar="FILE", help="the public list of groups, one a line")
    parser.add_argument("--delta", type=float, default=0.0, help="without --groups: what selecting them costs")
    parser.add_argument("--parts", type=int, required=True, help="cost: one of so many equal parts of the whole budget")
    parser.add_argument("--data-version", required=True, help="which state of the table; one answer per version")
    parser.set_defaults(run=release)


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--period", required=True, help="the accounting period whose budget pays, like 2026-Q4")
    parser.add_argument("--start", type=day, required=True, help="the first event day")
    parser.add_argument("--end", type=day, required=True, help="the day after the last one")
    parser.add_argument("--parts", type=int, required=True, help="cost: one of so many equal parts of the whole budget")
    parser.set_defaults(run=publish)


def _add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--purpose", required=True, help="what the releases are for")
    parser.add_argument("--period", required=True, help="the accounting period, like 2026-Q4")


def show(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001 (every command has this signature)
    """Print every budget."""
    from orchestration.handlers import say

    found = _service(settings).budgets()
    for budget in found:
        left, limit = budget.remaining, budget.limit
        spent = f"epsilon {budget.epsilon_spent:.4g} of {budget.epsilon:g} spent at delta {budget.delta:g}"
        remaining = f"rho {left.rho:.6g} of {limit.rho:.6g} and selection delta {float(left.delta):g} remain"
        say(f"{budget.account}: {spent}; {remaining}; {budget.n_spends} spends")
    say(f"{len(found)} budgets; what a dataset's budgets allow adds up over purposes and periods")
    return DONE


def history(settings: Settings, options: argparse.Namespace) -> int:
    """Print every spend."""
    from orchestration.handlers import say

    spends = _service(settings).history(options.dataset)
    for spend in spends:
        end = "released" if spend.released_at else "died before its release; spent all the same"
        cost = f"rho {spend.cost.rho:.6g} delta {float(spend.cost.delta):g}"
        say(f"{spend.spend_id:>6}  {spend.reserved_at:%Y-%m-%d %H:%M}  {spend.account}: {spend.what}; {cost}; {end}")
    say(f"{len(spends)} spends")
    return DONE


def grant(settings: Settings, options: argparse.Namespace) -> int:
    """Grant a budget."""
    from orchestration.handlers import say
    from privacy.budget import ledger

    account = ledger.Account(options.dataset, options.purpose, options.period)
    wish = ledger.Grant(
        account, options.epsilon, options.delta, options.by, options.reason, options.selection_delta
    )  # fmt: skip
    budget = _service(settings).grant(wish)
    say(
        f"granted: {account}: epsilon {budget.epsilon:g} at delta {budget.delta:g}, which is rho {budget.limit.rho:.6g}"
    )
    return DONE


def release(settings: Settings, options: argparse.Namespace) -> int:
    """Release noisy values of a table by group, or print what was recorded for the same wish."""
    from orchestration.handlers import say
    from orchestration.privacy.services.budget import Wish
    from privacy.budget.ledger import Account

    wish = Wish(
        Account(options.dataset, options.purpose, options.period), options.user, options.group, options.parts,
        options.data_version, options.statistic, options.value, options.lower, options.upper,
        _listed(options.groups) if options.groups else None, options.delta,
    )  # fmt: skip
    done, _ = _service(settings).release(wish)
    for group, value in done.values.items():
        say(f"{value:>12,}  {group}")
    say(f"noise: {done.facts['mechanism']}, scale {done.facts['scale']:.4g}; spend {done.spend_id}")
    return DONE


def publish(settings: Settings, options: argparse.Namespace) -> int:
    """Publish shared use, or find what was published of the same days."""
    from orchestration.handlers import say

    done, budget = _service(settings).publish(options.period, options.start, options.end, options.parts)
    for feature, value in done.values.items():
        say(f"{value:>12,}  {feature}")
    say(f"{len(done.values)} features published, noise of scale {done.facts['scale']:.4g}; spend {done.spend_id}")
    say(f"rho {budget.remaining.rho:.6g} of {budget.limit.rho:.6g} remain; the next run builds mart_released_use")
    return DONE


def _service(settings: Settings) -> BudgetService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.budget import BudgetService

    return BudgetService(Platform.open(settings))


def _listed(file: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty. Raises InvalidQueryError for a file that cannot be read."""
    from privacy.budget.errors import InvalidQueryError

    try:
        return tuple(line for line in file.read_text().splitlines() if line)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidQueryError(f"the list of groups {file} cannot be read ({error}); name a text file") from None
