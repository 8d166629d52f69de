"""Questions and answers survive the wire; whatever else comes over it is refused, and harms no silo and no server."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.federated import errors, silos, training, wire
from ml.federated.errors import FederatedError, ForgedMessageError, ReplayedRoundError, WrongLengthError
from ml.federated.local import UPDATE, Task
from ml.federated.member import Member
from ml.federated.training import Plan
from ml.federated.wire import Remote
from tests.ml.federated import circle
from tests.ml.federated.circle import entropy
from tests.ml.federated.test_training import COLUMNS, model, rows


def over_the_wire(member: Member) -> Remote:
    """A member as the server sees it from afar."""
    return Remote(lambda question, _most: wire.answer(member, question)[0])


def test_training_over_the_wire_is_training() -> None:
    held = {n: rows(seed=n) for n in (1, 2, 3)}
    plan = Plan(COLUMNS, rounds=2)
    here = training.train(silos.members(held, entropy(0)), plan, b"t" * 16)
    remote = {n: over_the_wire(member) for n, member in silos.members(held, entropy(0)).items()}
    there = training.train(remote, plan, b"t" * 16)
    assert there.model.weights.tolist() == here.model.weights.tolist()
    assert there.gone == ({}, {}, {})


def test_the_model_is_told_at_the_end() -> None:
    heard = []

    def exchange(question: bytes, _most: int) -> bytes:
        text, told = wire.answer(circle.members(circle.vectors(3, 2))[1], question)
        heard.append(told)
        return text

    Remote(exchange).done(model())
    assert heard[0] is not None
    assert heard[0].weights.tolist() == model().weights.tolist()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", ForgedMessageError), (b"[]", ForgedMessageError), (b"{}", ForgedMessageError),
        (b'{"opening": [1, 2]}', ForgedMessageError), (b'{"opening": ["zz", "00"]}', ForgedMessageError),
        (b'{"error": "ReplayedRoundError"}', ReplayedRoundError), (b'{"error": "exit"}', ForgedMessageError),
        (b'{"error": "annotations"}', ForgedMessageError), (b"\xff\xfe", ForgedMessageError),
    ],
)  # fmt: skip
def test_an_answer_of_another_form_puts_a_silo_out_of_the_round(reply: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Remote(lambda _question, _most: reply).open(circle.round_(4, 2))


@pytest.mark.parametrize("n_bytes", [0, 31, 33, 80])
def test_a_vector_of_another_length_is_refused(n_bytes: int) -> None:
    opening = json.dumps({"opening": ["00" * 32, "00" * 32]}).encode()
    remote = Remote(lambda question, _most: opening if b'"open"' in question else wire.WORDS + bytes(n_bytes))
    remote.open(circle.round_(4, 2))
    with pytest.raises(WrongLengthError):
        remote.contribute({}, Task(UPDATE, model()))


junk: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([*circle.STAGES, "done", "rows"]), st.dictionaries(
    st.sampled_from(["round", "openings", "texts", "task", "survivors", "model"]), junk, max_size=4))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_whatever_a_silo_is_asked_it_answers_with_a_refusal(step: str, asked: dict[str, Any]) -> None:
    member = MEMBERS[1]
    text, told = wire.answer(member, json.dumps({"step": step, **asked}).encode())
    assert told is None
    assert issubclass(getattr(errors, json.loads(text)["error"]), FederatedError)


@pytest.mark.parametrize("question", [b"", b"{", b"[]", b"null", b"\xff", b'{"step": 1}', b"[" * 100_000])
def test_what_is_no_question_is_refused(question: bytes) -> None:
    assert json.loads(wire.answer(MEMBERS[1], question)[0]) == {"error": "ForgedMessageError"}


def test_a_model_or_task_that_fits_no_plan_is_refused() -> None:
    good = wire._of_task(Task(UPDATE, model()))
    assert wire._task(good).model.columns == COLUMNS
    faults: list[dict[str, Any]] = [
        {"steps": 0}, {"steps": 10**9}, {"model": good["model"] | {"scale": [1.0, 0.0, 1.0]}},
        {"model": good["model"] | {"weights": [1.0]}}, {"model": good["model"] | {"center": [float("nan")] * 2}},
    ]  # fmt: skip
    for fault in faults:
        with pytest.raises(ForgedMessageError):
            wire._task(good | fault)
    assert np.isfinite(wire._task(good).model.weights).all()


MEMBERS = circle.members(circle.vectors(3, 2))
