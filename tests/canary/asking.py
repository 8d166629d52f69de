"""What people ask of a home, and a breach, as commands and Dagster runs in one process; run as a module.

Standard input: {"home", "given", "user"}: the id of a person, and the folder that is handed to them.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from orchestration import cli
from orchestration.instance import open_instance
from orchestration.platform import PlatformResource
from orchestration.privacy.breaches_jobs import breach_alarm_job
from orchestration.privacy.requests_jobs import request_job, requests_review_job
from tests.orchestration.privacy.test_consent import CONTROLLER

WHY = ("--by", "anna", "--reason", "asked by mail")


def lethe(home: str, *arguments: str) -> str:
    """Run a command of the privacy areas; what it said is said again, for the search of outputs."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = cli.main(["privacy", *arguments, "--home", home])
    sys.stdout.write(out.getvalue())
    assert code == cli.DONE, arguments[:2]
    return out.getvalue()


def approved(home: str, kind: str, user: str) -> str:
    """A request that may be carried out."""
    request = lethe(home, "requests", "open", kind, user, *WHY).split()[0]
    said = lethe(home, "requests", "verify-identity", request, "--attest", "seen", "--by", "ben")
    if "awaiting_approval" in said:
        lethe(home, "requests", "approve", request, "--by", "chris", "--reason", "checked")
    return request


def carried_out(platform: PlatformResource, *requests: str) -> None:
    """In Dagster, on the home's own instance: its storage is searched, too."""
    with open_instance(platform.open()) as instance:
        for request in requests:
            config = {"ops": {"request_run": {"config": {"request": request}}}}
            assert request_job.execute_in_process(
                run_config=config, instance=instance, resources={"platform": platform}
            ).success
        for job in (requests_review_job, breach_alarm_job):
            assert job.execute_in_process(instance=instance, resources={"platform": platform}).success


def ask(home: str, given: Path, user: str) -> None:
    """Packages and a receipt of consent for a person, and a breach with drafts."""
    controller = given / "controller.json"
    controller.write_text(json.dumps(CONTROLLER))
    receipt = ("--controller", str(controller), "--to", str(given / "consent.json"))
    lethe(home, "consent", "receipt", user, *receipt)
    lethe(home, "consent", "history", user, "--by", "anna")
    lethe(home, "breaches", "open", "lost laptop", "--by", "anna", "--aware", "2026-11-19T00:00:00+00:00")
    lethe(home, "breaches", "mark", "1", "--table", "raw.system_logs", "--nature", "a laptop", "--by", "anna")
    lethe(home, "breaches", "notify", "1", "--people", str(given / "people.txt"), "--by", "anna")
    request, last = approved(home, "access", user), approved(home, "export", user)
    carried_out(PlatformResource(home=home), request, last)
    link = lethe(home, "requests", "link", request).strip()
    lethe(home, "requests", "export", link, "--to", str(given / "package.zip"))
    for one in (request, last):
        lethe(home, "requests", "show", one)
    lethe(home, "erasure", "status")


if __name__ == "__main__":
    asked: dict[str, Any] = json.load(sys.stdin)
    ask(asked["home"], Path(asked["given"]), asked["user"])
