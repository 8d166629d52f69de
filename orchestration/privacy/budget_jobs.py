"""A private release as a Dagster job: noisy values as a picture, and what it cost. The rules are privacy.budget's."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from orchestration.privacy.services.budget import Wish
    from privacy.budget.archive import Release
    from privacy.budget.ledger import Budget


class ReleaseWish(dg.Config):
    """What is to be released, with the names of the options of `lethe privacy budget release`."""

    dataset: str
    purpose: str
    period: str
    user: str
    group: str
    parts: int
    data_version: str
    statistic: str = "users"
    value: str | None = None
    lower: int = 0
    upper: int = 0
    groups: list[str] | None = None
    delta: float = 0.0


class PublicationWish(dg.Config):
    """Which days of shared use are to be published, with the names of the options of `lethe privacy budget publish`."""

    period: str
    start: str
    end: str
    parts: int


@dg.op(name="publish_shared_use", out=dg.Out(int), tags={"team": "privacy"})
def publish_shared_use(context: dg.OpExecutionContext, config: PublicationWish, platform: PlatformResource) -> int:
    """Publish from the budget of shared use, or find what was published of the same days."""
    from orchestration.privacy.services.budget import BudgetService

    start, end = date.fromisoformat(config.start), date.fromisoformat(config.end)
    done, budget = BudgetService(platform.open()).publish(config.period, start, end, config.parts)
    context.add_output_metadata(metadata_of(done, budget))
    return done.spend_id


@dg.op(name="private_release", out=dg.Out(int), tags={"team": "privacy"})
def private_release(context: dg.OpExecutionContext, config: ReleaseWish, platform: PlatformResource) -> int:
    """Release what the configuration names from its budget, or find what was recorded for it."""
    from orchestration.privacy.services.budget import BudgetService

    done, budget = BudgetService(platform.open()).release(wish_of(config))
    context.add_output_metadata(metadata_of(done, budget))
    return done.spend_id


def wish_of(config: ReleaseWish) -> "Wish":
    """The configuration as the façade takes it."""
    from orchestration.privacy.services.budget import Wish
    from privacy.budget.ledger import Account

    account = Account(config.dataset, config.purpose, config.period)
    groups = None if config.groups is None else tuple(config.groups)
    return Wish(
        account, config.user, config.group, config.parts, config.data_version, config.statistic, config.value,
        config.lower, config.upper, groups, config.delta,
    )  # fmt: skip


def metadata_of(done: "Release", budget: "Budget") -> dict[str, Any]:
    """Noisy values as bars, how they were made, and what remains. Nothing here is exact."""
    bounds = done.facts["bounds"]
    return {
        "values": plots.series([(group, max(0, n)) for group, n in done.values.items()], "noisy values by group"),
        "groups": len(done.values),
        "noise": f"{done.facts['mechanism']}, scale {done.facts['scale']:.4g}",
        "bounds": f"{bounds['groups']} groups, {bounds['rows']} rows in each ({bounds['origin']})",
        "rho_spent": float(done.facts["rho"]),
        "rho_remaining": float(budget.remaining.rho),
        "epsilon_spent": budget.epsilon_spent,
        "epsilon": budget.epsilon,
    }


@dg.job(
    name="private_release_job",
    description="Noisy counts or sums of a table by group, paid from the budget of its dataset, purpose and period.",
)
def private_release_job() -> None:
    """One op: a run that is repeated finds the recorded answer and spends nothing."""
    private_release()


@dg.job(
    name="shared_use_job",
    description="Noisy numbers of people per feature across companies, paid from the budget of sharing, for a mart.",
)
def shared_use_job() -> None:
    """One op: a run that is repeated spends nothing."""
    publish_shared_use()


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [private_release_job, shared_use_job]
SENSORS: list[dg.SensorDefinition] = []
