"""Erasures in Dagster: going on with what was stopped, and marking what withdrawals taint."""

from typing import Any

import dagster as dg

from orchestration import plots
from orchestration.platform import Platform, PlatformResource


@dg.op(name="go_on_with_erasures", out=dg.Out(int), tags={"team": "privacy"})
def go_on_with_erasures(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Complete every erasure that a kill or a fault stopped; the first that cannot be completed fails the run."""
    from orchestration.privacy.services.erasure import ErasureService

    receipts = ErasureService(platform.open()).go_on()
    context.add_output_metadata(metadata_of(receipts))
    return len(receipts)


def metadata_of(receipts: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of each target before and after, over all receipts, as a table and as bars. Counts only."""
    targets: dict[str, list[float]] = {}
    for row in (row for receipt in receipts for row in receipt["targets"] if row["before"]):
        before, after = targets.get(row["target"], (0, 0))
        targets[row["target"]] = [before + row["before"], after + row["after"]]
    rows = [f"| {name} | {before:,} | {after:,} |" for name, (before, after) in targets.items()]
    return {
        "erasures": len(receipts),
        "rows_deleted": sum(row["deleted"] for receipt in receipts for row in receipt["targets"]),
        "targets": dg.MetadataValue.md("\n".join(["| target | before | after |", "|---|---|---|", *rows])),
        "rows_per_target": plots.lying(targets, ["before", "after"], "rows of erased people per target"),
    }


@dg.op(name="mark_withdrawn", out=dg.Out(int), tags={"team": "privacy"})
def mark_withdrawn(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Mark the versions that learnt from people who withdrew their consent to model training since."""
    facts = taint_withdrawals(platform.open())
    names = [f"{fact['model']} {fact['version']}" for fact in facts]
    rows = [f"| {name} | {fact['people']:,} | {fact['retrain_by']} |" for name, fact in zip(names, facts, strict=True)]
    table = "\n".join(["| version | people who withdrew | to be replaced by |", "|---|---|---|", *rows])
    people: dict[str, list[float]] = {name: [fact["people"]] for name, fact in zip(names, facts, strict=True)}
    context.add_output_metadata({
        "tainted_versions": len(facts),
        "versions": dg.MetadataValue.md(table),
        "people_per_version": plots.lying(people, ["people"], "people who withdrew and are learnt from, per version"),
    })  # fmt: skip
    return len(facts)


def taint_withdrawals(platform: Platform) -> list[dict[str, Any]]:
    """The versions that learnt from people whose last word about model training is no, and from how many of them."""
    from orchestration.privacy.erasure import stores_of
    from privacy.erasure.keys import SubjectKeys

    with platform.database.connect("privacy") as conn:
        rows = conn.execute(
            "select subject from consent.consent_settings where purpose = 'model_training' and decision = 'withdraw'"
        ).fetchall()
    stores = stores_of(platform, with_manifest=False)
    tokens = SubjectKeys.of([str(row[0]) for row in rows], platform.vault).tokens
    sets = stores.models.members(tokens) if tokens else {}
    facts = stores.models.taint(sorted(sets), cause="withdrawal", now=platform.settings.now())
    return [{**fact, "people": len(sets[fact["training_set"]])} for fact in facts]


@dg.job(name="erasure_job", description="Goes on with stopped erasures and marks the models that withdrawals taint.")
def erasure_job() -> None:
    """Two ops that do not depend on each other."""
    go_on_with_erasures()
    mark_withdrawn()


@dg.sensor(
    job_name="erasure_job",  # by name: Dagster remakes a sensor that holds the job, and warns of its own doing
    minimum_interval_seconds=300,
    description="Goes on with erasures that stopped, once an hour, and looks for models that withdrawals taint.",
)
def stopped_erasures(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """A run where an erasure is not complete or a consent to model training was withdrawn since the last run."""
    opened = platform.open()
    with opened.database.connect("erasure") as conn:
        row = conn.execute(
            "select (select count(*) from privacy.erasures where status <> 'complete'), "
            "(select coalesce(max(consent_event_id), 0) from consent.consent_events "
            "where purpose = 'model_training' and decision = 'withdraw')"
        ).fetchone()
    n_stopped, last = row or (0, 0)
    if not n_stopped and not last:
        return dg.SkipReason("every erasure is complete and nobody withdrew")
    hour = f"{opened.settings.now():%Y-%m-%dT%H}" if n_stopped else ""
    return dg.RunRequest(run_key=f"erasures-{hour}-{last}", tags={"lethe/cause": f"{n_stopped} erasures not complete"})


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [erasure_job]
SENSORS = [stopped_erasures]
