"""An approval counts for one version, one file, one champion, one person and seven days; a changed one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ml import approvals
from ml.approvals import (
    APPROVED,
    REFUSED,
    ApprovalInputError,
    ExpiredRequestError,
    Request,
    SamePersonError,
    Statement,
    TamperedApprovalError,
)
from tests.ml.synthetic import AT

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
REQUEST = Request("churn", 3, "a" * 64, 2, AT)
ADA, GRACE = Statement("Ada", APPROVED, AT), Statement("Grace", APPROVED, AT + timedelta(hours=1))
LATER = AT + timedelta(hours=2)


def test_two_people_are_enough_and_one_is_not() -> None:
    assert not approvals.standing([ADA], 2, LATER).is_complete
    stands = approvals.standing([ADA, GRACE], 2, LATER)
    assert stands.is_complete
    assert stands.approved_by == ("Ada", "Grace")


@pytest.mark.parametrize("name", ["Ada", "ada", " ADA ", "ADA\t"])
def test_the_same_person_does_not_count_twice_by_any_writing(name: str) -> None:
    with pytest.raises(SamePersonError, match="another person"):
        approvals.require_another_person([ADA], name, LATER)
    assert not approvals.standing([ADA, Statement(name, APPROVED, LATER)], 2, LATER).is_complete


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_nobody_does_not_approve(name: str) -> None:
    with pytest.raises(ApprovalInputError, match="--by needs a name"):
        approvals.require_another_person([], name, LATER)


def test_an_approval_lasts_seven_days_and_is_not_of_the_future() -> None:
    assert approvals.standing([ADA, GRACE], 2, AT + timedelta(days=7)).is_complete
    assert approvals.standing([ADA, GRACE], 2, AT + timedelta(days=7, minutes=1)).approved_by == ("Grace",)
    assert approvals.standing([ADA], 1, AT - timedelta(minutes=1)).approved_by == ()
    approvals.require_another_person([ADA], "Ada", AT + timedelta(days=8))


def test_a_refusal_weighs_more_than_any_approvals_and_does_not_pass() -> None:
    no = Statement("Linus", REFUSED, AT)
    assert not approvals.standing([ADA, GRACE, no], 2, LATER).is_complete
    assert approvals.standing([no], 2, AT + timedelta(days=400)).refused_by == ("Linus",)


def test_a_request_expires_and_is_of_one_champion() -> None:
    approvals.require_open(REQUEST, 2, AT + timedelta(days=7))
    with pytest.raises(ExpiredRequestError, match="more than 7 days"):
        approvals.require_open(REQUEST, 2, AT + timedelta(days=7, seconds=1))
    with pytest.raises(ExpiredRequestError, match="now it is 4"):
        approvals.require_open(REQUEST, 4, LATER)


def test_what_was_sealed_is_read_back() -> None:
    assert approvals.open_request(KEY, approvals.seal_request(KEY, REQUEST), "churn", 3) == REQUEST
    text = approvals.seal_statements(KEY, REQUEST, [ADA, GRACE])
    assert approvals.open_statements(KEY, text, REQUEST) == (ADA, GRACE)
    other_champion = replace(REQUEST, incumbent=5)
    assert approvals.open_statements(KEY, text, other_champion) == (), "given for another comparison"
    no = approvals.seal_statements(KEY, REQUEST, [Statement("Linus", REFUSED, AT)])
    assert len(approvals.open_statements(KEY, no, other_champion)) == 1


@pytest.mark.parametrize("about", [{"version": 4}, {"model": "fraud"}, {"artifact": "b" * 64}])
def test_an_approval_of_another_version_model_or_file_is_refused(about: dict[str, object]) -> None:
    text = approvals.seal_statements(KEY, REQUEST, [ADA])
    with pytest.raises(TamperedApprovalError, match="another version"):
        approvals.open_statements(KEY, text, replace(REQUEST, **about))  # type: ignore[arg-type]


def _changed(text: str, **values: object) -> str:
    (sealed,) = json.loads(text)
    document = json.loads(sealed)
    document["content"] |= values
    return json.dumps([json.dumps(document)])


@pytest.mark.parametrize("values", [{"person": "Grace"}, {"verdict": APPROVED}, {"at": LATER.isoformat()}, {"x": 1}])
def test_a_changed_approval_is_refused(values: dict[str, object]) -> None:
    text = approvals.seal_statements(KEY, REQUEST, [Statement("Linus", REFUSED, AT)])
    with pytest.raises(TamperedApprovalError, match="was changed"):
        approvals.open_statements(KEY, _changed(text, **values), REQUEST)


@pytest.mark.parametrize("text", ["", "[]x", "{}", "[1]", '["no json"]', '["[]"]', '["{}"]'])
def test_what_is_no_list_of_approvals_is_refused(text: str) -> None:
    with pytest.raises(TamperedApprovalError):
        approvals.open_statements(KEY, text, REQUEST)


def test_a_request_of_another_key_or_version_is_refused() -> None:
    for text, version in (
        (approvals.seal_request(OTHER_KEY, REQUEST), 3),
        (approvals.seal_request(KEY, REQUEST), 4),
        (approvals.seal_request(KEY, REQUEST).replace("churn", "fraud"), 3),
        ("withdrawn", 3),
    ):
        with pytest.raises(TamperedApprovalError):
            approvals.open_request(KEY, text, "churn", version)
