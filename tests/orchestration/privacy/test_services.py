"""The façades over a real home, a noun each: what a product calls instead of a command, and what each refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration import dbt
from orchestration.platform import Platform, PlatformResource
from orchestration.privacy.erasure_jobs import erasure_job
from orchestration.privacy.services.breaches import BreachService, Onlooker
from orchestration.privacy.services.budget import BudgetService, Wish
from orchestration.privacy.services.classification import ClassificationService
from orchestration.privacy.services.erasure import ErasureService
from orchestration.privacy.services.requests import RequestService
from orchestration.privacy.services.retention import RetentionService
from privacy.access_log import Reader
from privacy.breaches.errors import UnansweredDutyError, UnknownTableError
from privacy.breaches.register import MarkedTable
from privacy.budget.errors import BudgetExceededError
from privacy.budget.ledger import Account, Grant
from privacy.erasure.errors import SurvivingRowsError
from privacy.errors import InvalidRuleError
from privacy.exports.errors import UsedLinkError
from privacy.requests.errors import ForbiddenTransitionError, WrongCodeError
from privacy.retention.errors import UnknownHoldError, UnknownPolicyError, UnstatedReasonError
from privacy.retention.policies import PropertyRule
from privacy.signing import signer, verify
from privacy.transform import pending_days, transform_days
from tests.privacy.erasure import world
from tests.privacy.events import event, store
from tests.privacy.retention.world import Event, put_events
from warehouse.database import ADMIN

pytestmark = [pytest.mark.integration, pytest.mark.once]  # what they call is tested on both servers
READER = Reader("anna", "a test", "a product")
WHO: dict[str, Any] = {"by": "anna", "reason": "asked by mail"}


@pytest.fixture
def opened(platform: PlatformResource) -> Platform:
    return platform.open()


def parsed(opened: Platform, manifest: Mapping[str, object]) -> None:
    """Leave the manifest in the home as dbt would: parsing takes seconds."""
    folder = opened.home / "dbt"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "project.digest").write_text(dbt.project_digest())


def looks(opened: Platform) -> list[tuple[str, str]]:
    """Who read, and where, by the access log."""
    with opened.database.connect("privacy") as conn:
        return conn.execute("select actor, place from privacy.access_log order by 1, 2").fetchall()


def test_classification(opened: Platform) -> None:
    service = ClassificationService(opened)
    with opened.database.connect(ADMIN) as conn:
        store(conn, [event(n, {"theme": "dark", "note": "x"}, user_id=None) for n in range(9)])
    with opened.database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), opened.vault)
    assert {(found.path, found.n_events) for found in service.unknown()} == {("/data/theme", 9), ("/data/note", 9)}
    said = {"klass": "non_personal", "kind": "category", "steward": "ben", "reason": "a setting"}
    assert service.confirm("page", "/data/theme", **said)
    assert not service.confirm("page", "/data/theme", **said)
    assert service.reject("page", "/data/note", steward="ben", reason="free text")
    assert {(item.path, item.state) for item in service.items()} == {
        ("/data/theme", "confirmed"), ("/data/note", "rejected")
    }  # fmt: skip
    assert [(ruling.action, ruling.decided_by) for ruling in service.audit("page", "/data/note")] == [
        ("rejected", "ben")
    ]
    with pytest.raises(InvalidRuleError):
        service.confirm("page", "/elsewhere", **said)


def test_requests_from_a_code_to_a_package_that_is_fetched_once(opened: Platform) -> None:
    service = RequestService(opened)
    with opened.database.connect(ADMIN) as conn:
        store(conn, [event(n, user_id="user-ada" if n == 0 else f"other-{n}") for n in range(200)])
    request = service.open("export", "user-ada", **WHO).request_id
    with pytest.raises(ForbiddenTransitionError):
        service.approve(request, **WHO)
    code = service.challenge(request, by="anna")
    with pytest.raises(WrongCodeError):
        service.answer(request, "0" * len(code), by="anna")
    assert str(service.answer(request, code, by="anna").state) == "approved"
    assert service.link(request) is None
    assert str(service.run(request, by="anna").state) == "complete"
    assert service.find(only_open=True) == []
    link = service.link(request)
    assert link is not None
    assert service.redeem(link, READER).stat().st_size > 0
    with pytest.raises(UsedLinkError):
        service.redeem(link, READER)
    assert [step.actor for step in service.trail(request, READER)[1]][-1] == "anna"
    assert {actor for actor, place in looks(opened) if place == "privacy.request_events"} == {"anna"}
    taken_back = service.open("restriction", "user-ada", **WHO).request_id
    assert service.extend(taken_back, **WHO).due_on == date(2027, 2, 20)
    assert str(service.withdraw(taken_back, **WHO).state) == "withdrawn"
    assert str(service.refuse(service.open("objection", "user-ada", **WHO).request_id, **WHO).state) == "refused"
    assert service.expire() == []


class NoVersions:
    """A registry without a model: MLflow itself takes ten seconds to make its tables."""

    name = "churn"

    def of(self, _name: str) -> NoVersions:
        return self

    def versions(self) -> dict[int, dict[str, str]]:
        return {}


def test_an_erasure_that_was_stopped_goes_on_in_dagster_with_a_picture(
    opened: Platform, platform: PlatformResource
) -> None:
    opened.__dict__["registry"] = NoVersions()
    stores = world.build(opened.database, opened.home)
    parsed(opened, world.manifest())
    service = ErasureService(opened)
    planned = service.plan(world.PERSON, READER, aliases=[world.ALIAS])
    assert planned["raw.system_logs.user_id"] == 8
    assert ("anna", "every table of people") in looks(opened)
    stray = opened.home / "notes.bin"
    stray.write_bytes(world.PERSON.encode())
    with pytest.raises(SurvivingRowsError):
        service.run(world.PERSON, request_id="request-1", aliases=[world.ALIAS])
    assert [state == "complete" for _, state, _ in service.erasures()] == [False]
    assert service.receipt("request-1") is None
    stray.unlink()
    done = erasure_job.execute_in_process(resources={"platform": platform})
    assert done.output_for_node("go_on_with_erasures") == 1
    shown = metadata_of(done, "go_on_with_erasures")
    assert "| raw.system_logs.user_id | 8 | 0 |" in shown["targets"]
    assert "data:image/svg+xml" in shown["rows_per_target"]
    assert not any(user in str(shown) for user in world.EVERYBODY)
    receipt = service.receipt("request-1")
    assert receipt is not None
    verify(receipt, [signer(stores.vault)])
    assert service.receipt_path(receipt).exists()
    assert service.go_on() == []
    assert service.run(world.OTHER, request_id="request-2")["status"] == "complete"
    assert service.tainted() == []


def metadata_of(done: dg.ExecuteInProcessResult, node: str) -> dict[str, str]:
    """The metadata of an op's output, as text."""
    (event_,) = [e for e in done.events_for_node(node) if e.is_successful_output]
    return {name: str(value.value) for name, value in event_.step_output_data.metadata.items()}


def test_retention(opened: Platform) -> None:
    service = RetentionService(opened)
    put_events(opened.database, [Event("old", date(2026, 6, 1), "user-ada"), Event("held", date(2026, 6, 1), "bob")])
    with pytest.raises(UnknownPolicyError):
        service.set_policy("for ever", 3, **WHO)
    with pytest.raises(UnstatedReasonError):
        service.hold(by="anna", reason=" ")
    assert service.set_policy("raw_events", 61, **WHO).days == service.policies()["raw_events"].days == 61
    service.set_property(PropertyRule("ai", "/data/hint", 7), **WHO)
    assert PropertyRule("ai", "/data/hint", 7) in service.property_rules()
    hold = service.hold(user_id="bob", until=opened.settings.now() + timedelta(days=9), **WHO)
    plan, in_use = service.plan()
    assert next((line.n, line.n_held) for line in plan.lines if line.store == "raw.system_logs") == (1, 1)
    assert in_use == ()
    with dg.DagsterInstance.ephemeral() as instance:
        report, beside = service.run(instance)
        assert (report.n_held >= 1, beside["dagster_runs_deleted"]) == (True, 0)
        service.release(hold.hold_id, **WHO)
        assert service.run(instance)[0].partitions == {"system_logs_2026_q2": 1}
    with pytest.raises(UnknownHoldError):
        service.release(hold.hold_id, **WHO)


def test_breaches(opened: Platform) -> None:
    service = BreachService(opened)
    parsed(opened, {"nodes": {}, "sources": {}, "parent_map": {}})
    put_events(opened.database, [Event("a", date(2026, 11, 1), "user-ada"), Event("b", date(2026, 11, 2), "user-bob")])
    aware_at = opened.settings.now() - timedelta(hours=25)
    number = service.open("lost laptop", by="anna", aware_at=aware_at).breach_id
    log = MarkedTable("raw.system_logs")
    with pytest.raises(UnknownTableError):
        service.mark(number, READER, tables=[log, MarkedTable("raw.nothing")])
    assert service.breach(number).tables == ()
    breach, counted = service.mark(number, READER, tables=[log], facts={"nature": "a laptop was lost"})
    assert (breach.tables, counted.found[0].n_subjects) == ((log,), 2)
    drafts = Reader("ben", "drafts", "a product")
    assert [found.affected.found[0].n_subjects for found in service.draft_due(drafts).drafted] == [2]
    assert service.draft_due(drafts).drafted == ()
    named = service.draft(number, READER, is_named=True)
    assert named.affected.user_ids == ("user-ada", "user-bob")
    assert service.draft(number, READER, is_named=True, seen_by=Onlooker("nobody")).affected.user_ids == ()
    assert [alarm.hours for alarm in service.raise_alarms()] == [24]
    with pytest.raises(UnansweredDutyError):
        service.close(number, by="anna", reasons={})
    service.record_notification(number, "authority", by="anna", reference="A-1")
    service.close(number, by="anna", reasons={"subjects": "the disk was encrypted"})
    assert (service.breaches(only_open=True), len(service.breaches())) == ([], 1)
    assert service.history(number)[-1].kind == "closed"
    assert set(looks(opened)) == {("anna", "raw.system_logs"), ("ben", "raw.system_logs")}


def test_budget(opened: Platform) -> None:
    service = BudgetService(opened)
    account = Account("safe.pseudonymous_events", "analytics", "2026-Q4")
    service.grant(Grant(account, 1.0, 1e-6, "officer", "report"))
    wish = Wish(account, "subject", "event_type", 2, "v1", groups=("page", "click"))
    done, budget = service.release(wish)
    assert set(done.values) == {"page", "click"}
    assert service.release(wish)[0].values == done.values
    assert [found.n_spends for found in service.budgets()] == [budget.n_spends] == [1]
    assert len(service.history(account.dataset)) == 1
    with pytest.raises(BudgetExceededError):
        service.release(Wish(account, "subject", "event_type", 1, "v2", groups=("page",)))
    service.grant(Grant(Account("safe.anonymous_events", "sharing", "2026-Q4"), 1.0, 1e-6, "officer", "report", 1e-7))
    published, _ = service.publish("2026-Q4", date(2026, 10, 1), date(2026, 10, 3), 2)
    assert published.values == {}
