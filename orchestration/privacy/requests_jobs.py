"""Requests of people in Dagster: approved ones are carried out, expired packages go, and how all stand is shown."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import Platform, PlatformResource
from orchestration.privacy.daily import daily

if TYPE_CHECKING:
    from privacy.requests.overview import Overview
    from privacy.requests.store import Request


class RequestConfig(dg.Config):
    """Which request a run carries out."""

    request: str


@dg.op(name="request_run", out=dg.Out(str), tags={"team": "privacy"})
def request_run(context: dg.OpExecutionContext, platform: PlatformResource, config: RequestConfig) -> str:
    """Carry one request out to its proof; a failure is kept with the request, and the run fails."""
    from orchestration.privacy.services.requests import RequestService

    opened = platform.open()
    request = RequestService(opened).run(config.request, by="dagster")
    shown = {"kind": str(request.kind), "state": str(request.state), "due": str(request.due_on)}
    context.add_output_metadata({**shown, **_proof_of(opened, request)})
    return str(request.state)


def _proof_of(platform: Platform, request: "Request") -> dict[str, Any]:
    """Of an erasure: rows before and after by target, as its receipt has them."""
    from orchestration.privacy.erasure_jobs import metadata_of as erased
    from orchestration.privacy.services.erasure import ErasureService
    from privacy.requests.kinds import Kind

    if request.kind not in {Kind.ERASURE, Kind.ANONYMISE}:
        return {}
    receipt = ErasureService(platform).receipt(request.request_id)
    return erased([receipt]) if receipt else {}


@dg.op(name="requests_review", out=dg.Out(int), tags={"team": "privacy"})
def requests_review(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Remove packages whose time is over and count how requests stand; late ones are errors in the run's log."""
    from orchestration.privacy.services.requests import RequestService
    from privacy.requests import overview

    opened = platform.open()
    service = RequestService(opened)
    removed = service.expire()
    found = overview.overview(service.find(), opened.settings.now().date())
    if found.n_late:
        context.log.error(f"{found.n_late} requests are late; `lethe privacy requests list --open` names them")
    context.add_output_metadata(metadata_of(found, len(removed)))
    return found.n_late


def metadata_of(found: "Overview", n_removed: int) -> dict[str, Any]:
    """Counts by kind and state, what is late or soon due, and bars of requests per day."""
    rows = [f"| {kind} | {state} | {n:,} |" for (kind, state), n in found.standing.items()]
    return {
        "open": found.n_open,
        "late": found.n_late,
        "due_within_a_week": found.n_soon,
        "packages_removed": n_removed,
        "standing": dg.MetadataValue.md("\n".join(["| kind | state | requests |", "|---|---|---|", *rows])),
        "received_per_day": plots.series(found.per_day, "requests per day"),
    }


@dg.job(name="request_job", description="Carries out one request of a person and measures that it is done.")
def request_job() -> None:
    """One op: each of its steps is stored before the next, so that a killed run is run again."""
    request_run()


@dg.job(name="requests_review_job", description="Removes expired packages and shows how requests of people stand.")
def requests_review_job() -> None:
    """One op."""
    requests_review()


@dg.sensor(
    job_name="request_job",  # by name: binding resources to a job inside a sensor warns of a beta parameter in Dagster
    minimum_interval_seconds=60,
    description="Carries out requests that are approved, and those whose run was interrupted; failed ones wait.",
)
def approved_requests(platform: PlatformResource) -> dg.SensorResult | dg.SkipReason:
    """One run a request; the same request asks again only after it has moved."""
    from orchestration.privacy.request_effects import CARRIED_OUT
    from privacy.requests.kinds import Kind
    from privacy.requests.overview import ready

    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        waiting = ready(conn, map(Kind, CARRIED_OUT), opened.settings.now())
    if not waiting:
        return dg.SkipReason("no request waits")
    return dg.SensorResult([
        dg.RunRequest(
            run_key=f"{request_id}-{event}",
            run_config={"ops": {"request_run": {"config": {"request": request_id}}}},
            tags={"lethe/cause": f"{request_id} is approved or was interrupted"},
        )
        for request_id, event in waiting
    ])  # fmt: skip


daily_requests_review = daily(
    requests_review_job,
    "03:30",
    name="daily_requests_review",
    key="requests",
    description="Removes expired packages and counts late requests at 03:30 UTC.",
)
ASSETS: list[dg.AssetsDefinition] = []
JOBS = [request_job, requests_review_job]
SCHEDULES = [daily_requests_review]
SENSORS = [approved_requests]
