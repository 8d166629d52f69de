"""What people ask of a home, and a breach, as commands and Dagster runs in one process; run as a module.

Standard input: {"home", "given", "user", "leaving"}: the id of a person, the folder that is handed to them, and the ids
of two who leave: one is anonymised, one erased.
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
from privacy.service import PrivacyService
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


def reviewed(platform: PlatformResource) -> None:
    """What Dagster looks at by itself: packages that are over, late requests, alarms."""
    with open_instance(platform.open()) as instance:
        for job in (requests_review_job, breach_alarm_job):
            assert job.execute_in_process(instance=instance, resources={"platform": platform}).success


def shown(platform: PlatformResource, *users: str) -> None:
    """Notices as the product serves them: one closed, one answered with a note of who did."""
    opened = platform.open()
    service = PrivacyService(lambda: opened.database.connect("privacy"), opened.vault, opened.settings.now)
    for user in users:
        closed, answered = (
            service.serve_notice(user, purpose, language="en", place="/sign-up") for purpose in ("sharing", "analytics")
        )
        service.dismiss_notice(user, closed.served_notice_id)
        service.update_consent(
            user, {"analytics": True}, source="portal", method="accept", reason=f"{user} said yes",
            evidence={"session": user}, served_notice_id=answered.served_notice_id,
        )  # fmt: skip


def ask(home: str, given: Path, user: str, leaving: tuple[str, str]) -> None:
    """Notices, packages and a receipt of consent for a person, a breach with drafts; two people leave at the end."""
    platform = PlatformResource(home=home)
    shown(platform, user, *leaving)
    controller = given / "controller.json"
    controller.write_text(json.dumps(CONTROLLER))
    receipt = ("--controller", str(controller), "--to", str(given / "consent.json"))
    lethe(home, "consent", "receipt", user, *receipt)
    lethe(home, "consent", "history", user, "--by", "anna")
    lethe(home, "breaches", "open", "lost laptop", "--by", "anna", "--aware", "2026-11-19T00:00:00+00:00")
    lethe(home, "breaches", "mark", "1", "--table", "raw.system_logs", "--nature", "a laptop", "--by", "anna")
    lethe(home, "breaches", "notify", "1", "--people", str(given / "people.txt"), "--by", "anna")
    request, last = approved(home, "access", user), approved(home, "export", user)
    carried_out(platform, request, last)
    link = lethe(home, "requests", "link", request).strip()
    lethe(home, "requests", "export", link, "--to", str(given / "package.zip"))
    gone = [approved(home, kind, one) for kind, one in zip(("anonymise", "erasure"), leaving, strict=True)]
    carried_out(platform, *gone)
    reviewed(platform)
    for one in (request, last, *gone):
        lethe(home, "requests", "show", one)
    lethe(home, "erasure", "status")


if __name__ == "__main__":
    asked: dict[str, Any] = json.load(sys.stdin)
    ask(asked["home"], Path(asked["given"]), asked["user"], tuple(asked["leaving"]))
