"""Federated training as a Dagster job: figures beside central and local models. The protocol is ml.federated's."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.federated import federation
from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from ml.federated.federation import Federation


class FederatedWish(dg.Config):
    """How to train, with the names of the options of `lethe federated train`."""

    method: str = "update"
    rounds: int = 30
    steps: int = 5
    threshold: int | None = None
    unit: str | None = None
    clip: float = 1.0
    purpose: str = "federated_training"
    period: str | None = None
    parts: int = 1


@dg.op(name="federated_churn", out=dg.Out(float), tags={"team": "ml"})
def federated_churn(context: dg.OpExecutionContext, config: FederatedWish, platform: PlatformResource) -> float:
    """Train over the companies of the features as they are; returns the federated model's AUC on later rows."""
    found = federation(platform.open(), config)
    context.add_output_metadata(metadata_of(found))
    return found.comparison.federated.value


def metadata_of(found: "Federation") -> dict[str, Any]:
    """Counts and figures; no row and no company."""
    c = found.comparison
    rows = [
        ("federated", str(c.federated)), ("central", str(c.central)), ("federated minus central", str(c.loss)),
        ("central, same rows", f"{c.central_same_rows:.4f}"),
        ("local only, mean", f"{c.local_only:.4f}"), ("within own rows, federated", f"{c.own_rows:.4f}"),
        ("within own rows, local only", f"{c.own_rows_local:.4f}"),
    ]  # fmt: skip
    table = "\n".join(["| model | AUC, later rows |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    return {
        "auc": dg.MetadataValue.md(table),
        "auc_federated": c.federated.value,
        "auc_central": c.central.value,
        "auc_local_only": c.local_only,
        "silos": found.n_silos,
        "rows": found.n_rows,
        "rows_left_out": found.n_left_out,
        "threshold": found.threshold,
        "answers_missing": found.n_gone,
    }


@dg.job(
    name="federated_churn_job",
    description="The linear churn model trained over companies that keep their rows, with secure aggregation.",
)
def federated_churn_job() -> None:
    """One op: the rounds are one protocol."""
    federated_churn()


JOBS = [federated_churn_job]
