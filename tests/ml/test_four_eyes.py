"""A promotion that people approve: it waits, the second person's approval makes it, and every short cut is refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ml.approvals import (
    ApprovalMissingError,
    ExpiredRequestError,
    NoRequestError,
    RefusedPromotionError,
    SamePersonError,
    TamperedApprovalError,
)
from ml.artifacts import TamperedArtefactError
from ml.four_eyes import REQUEST, STATEMENTS, FourEyes
from ml.journal import Journal
from ml.promotion import promote
from ml.registry import Registry
from tests.ml import versions
from tests.ml.synthetic import AT

pytestmark = [pytest.mark.integration]
KEY = bytes(range(1, 33))
LATER = AT + timedelta(hours=1)


@pytest.fixture
def people(registry: Registry, journal: Journal, tmp_path: Path) -> FourEyes:
    """A model with two versions that wait for two people."""
    made = FourEyes(registry, journal, KEY)
    for _ in range(2):
        made.ask(versions.passed(registry, versions.register(registry, tmp_path)), AT)
    return made


def _waiting(people: FourEyes, at: datetime = LATER) -> list[int]:
    return [item.request.version for item in people.waiting(at)]


def test_the_second_person_makes_it_champion(
    people: FourEyes, registry: Registry, journal: Journal, tmp_path: Path
) -> None:
    with pytest.raises(ApprovalMissingError, match="waits for 2"):
        promote(versions.passed(registry, 1), registry, journal)
    assert not people.approve(1, "Ada", "figures read", LATER).is_complete
    assert registry.champion() is None
    assert _waiting(people) == [1, 2]
    assert people.approve(1, "Grace", "slices read", LATER).is_complete
    assert registry.champion() == 1, "sealed, or this would raise"
    assert _waiting(people) == [2]
    journal.close()
    (path,) = (tmp_path / "logs").iterdir()
    said = [json.loads(line)["decision"] for line in path.read_text().splitlines()]
    assert said[-3:] == ["Version 1 approved by Ada", "Version 1 approved by Grace", "Version 1 is champion"]


def test_the_same_person_twice_is_refused(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    with pytest.raises(SamePersonError):
        people.approve(1, " ada", "", LATER)
    assert registry.champion() is None


def test_a_run_in_between_asks_again_and_keeps_the_approvals(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    assert people.ask(versions.passed(registry, 1), LATER).approved_by == ("Ada",)
    assert people.approve(1, "Grace", "", LATER).is_complete


def test_too_late_is_refused(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    with pytest.raises(ExpiredRequestError):
        people.approve(1, "Grace", "", AT + timedelta(days=8))
    people.ask(versions.passed(registry, 1), AT + timedelta(days=8))
    assert not people.approve(1, "Grace", "", AT + timedelta(days=8, hours=2)).is_complete, "Ada's has expired"


def test_an_approval_is_of_one_version_and_one_champion(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    tags = registry.versions()[1]
    registry.note(2, {STATEMENTS: tags[STATEMENTS]})
    with pytest.raises(TamperedApprovalError, match="another version"):
        people.approve(2, "Grace", "", LATER)
    registry.note(2, {REQUEST: tags[REQUEST]})
    with pytest.raises(TamperedApprovalError, match="was made for version 1"):
        people.approve(2, "Grace", "", LATER)
    registry.promote(2)
    with pytest.raises(ExpiredRequestError, match="now it is 2"):
        people.approve(1, "Grace", "", LATER)
    assert registry.champion() == 2


def test_approvals_that_were_written_by_hand_are_refused(people: FourEyes, registry: Registry) -> None:
    other = FourEyes(registry, people.journal, bytes(32))
    with pytest.raises(TamperedApprovalError):
        other.approve(1, "Mallory", "", LATER)
    people.approve(1, "Ada", "", LATER)
    forged = registry.versions()[1][STATEMENTS].replace("Ada", "Bob")
    registry.note(1, {STATEMENTS: forged})
    for act in (people.approve, people.refuse):
        with pytest.raises(TamperedApprovalError, match="was changed"):
            act(1, "Grace", "", LATER)
    with pytest.raises(TamperedApprovalError):
        people.waiting(LATER)
    assert registry.champion() is None


def test_a_file_that_changed_since_is_not_promoted(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    run = registry.run_id(1)
    (path,) = [p for p in registry._artifact_root.rglob("model.skops") if run in str(p)]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(TamperedArtefactError):
        people.approve(1, "Grace", "", LATER)
    assert registry.champion() is None


def test_a_refusal_stands(people: FourEyes, registry: Registry) -> None:
    people.approve(1, "Ada", "", LATER)
    assert people.refuse(1, "Linus", "the youngest accounts fare badly", LATER).refused_by == ("Linus",)
    for act in (people.approve, people.refuse):
        with pytest.raises(RefusedPromotionError, match="Linus"):
            act(1, "Grace", "", LATER)
    with pytest.raises(RefusedPromotionError):
        people.ask(versions.passed(registry, 1), LATER)


def test_what_does_not_wait_cannot_be_approved(people: FourEyes, registry: Registry, journal: Journal) -> None:
    with pytest.raises(NoRequestError, match="was not promoted"):
        people.ask(versions.refused(registry, 1), LATER)
    people.withdraw(1)
    for version in (1, 77):
        with pytest.raises(NoRequestError, match="does not wait"):
            people.approve(version, "Ada", "", LATER)
    asked = registry.versions()[2][REQUEST]
    for person in ("Ada", "Grace"):
        people.approve(2, person, "", LATER)
    promote(versions.passed(registry, 1, approvals=0), registry, journal)
    assert registry.rollback() == (1, 2)
    registry.note(1, {REQUEST: asked})
    with pytest.raises(TamperedApprovalError):
        people.approve(1, "Ada", "", LATER)
    people.ask(versions.passed(registry, 1), LATER)
    with pytest.raises(NoRequestError, match="rolled back"):
        people.approve(1, "Ada", "", LATER)
