"""What people ask of a home, and a breach, as commands and Dagster runs in one process; run as a module.

Standard input: {"home", "given", "user", "leaving", "staying"}: the id of a person, the folder that is handed to them,
the ids of two who leave (one is anonymised, one erased), and of three more: two are one person, one is on hold.
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
from orchestration.privacy.retention_jobs import retention_job
from privacy.service import PrivacyService
from tests.orchestration.privacy.test_consent import CONTROLLER

WHY = ("--by", "anna", "--reason", "asked by mail")


def lethe(home: str, *arguments: str) -> str:
    """Run a command of the privacy areas."""
    return said(["privacy", *arguments], home)


def said(arguments: list[str], home: str) -> str:
    """Run a command; what it said is said again, for the search of outputs."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = cli.main([*arguments, "--home", home])
    sys.stdout.write(out.getvalue())
    assert code == cli.DONE, arguments[:3]
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


def looked_up(home: str, given: Path, *users: str) -> None:
    """Findings about people from public sources, with their ids in them, and whose are due."""
    now = PlatformResource(home=home).open().settings.now().isoformat()
    with (given / "findings.jsonl").open("w") as file:
        for user in users:
            lethe(home, "consent", "grant", user, "osint_enrichment", *WHY)
            finding = {"page": f"https://example.org/{user}", "names": [user]}
            line = {"user_id": user, "kind": "profile", "finding": finding, "found_at": now}
            file.write(json.dumps(line) + "\n")
    lethe(home, "osint", "import", str(given / "findings.jsonl"), "--source", "example.org", "--by", "anna")
    lethe(home, "osint", "due", "--by", "anna")


def administered(platform: PlatformResource, given: Path, staying: list[str]) -> None:
    """Two ids become one person, one is held for a court; retention runs, counts are released, keys are rotated, and a
    model is learnt over companies. Of several organisations nothing is computed: their numbers are no home's.
    """
    alias, user, held = staying
    lethe(platform.home, "identities", "merge", alias, user, *WHY)
    lethe(platform.home, "retention", "hold", "--user", held, *WHY)
    lethe(platform.home, "retention", "hold", "--table", "raw.system_logs", *WHY)  # they are older than their terms
    with open_instance(platform.open()) as instance:
        assert retention_job.execute_in_process(instance=instance, resources={"platform": platform}).success
    account = ("safe.pseudonymous_events", "--purpose", "analytics", "--period", "2026-Q4")
    lethe(platform.home, "budget", "grant", *account, "--epsilon", "1", "--delta", "1e-6", *WHY)
    (given / "types.txt").write_text("ui\napi\n")
    of = ("--user", "subject", "--group", "event_type", "--groups", str(given / "types.txt"))
    lethe(platform.home, "budget", "release", *account, *of, "--parts", "2", "--data-version", "1")
    lethe(platform.home, "keys", "rotate")
    said(["federated", "train", "--rounds", "1", "--to", str(given / "federated.skops")], platform.home)


def ask(home: str, given: Path, user: str, leaving: list[str], staying: list[str]) -> None:
    """Notices, packages and a receipt of consent for a person, a breach with drafts; two people leave at the end."""
    platform = PlatformResource(home=home)
    shown(platform, user, *leaving)
    looked_up(home, given, user, *leaving)
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
    administered(platform, given, staying)
    for one in (request, last, *gone):
        lethe(home, "requests", "show", one)
    lethe(home, "erasure", "status")


if __name__ == "__main__":
    asked: dict[str, Any] = json.load(sys.stdin)
    ask(asked.pop("home"), Path(asked.pop("given")), **asked)
