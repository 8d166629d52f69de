"""Templates of planted workflows, the generator's probabilities, slots, ranking by feedback, BLEU and ROUGE."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.families.step_language import END, StepLanguage, UnknownStepsError, best_order
from ml.families.templates import Feedback, Template, fill, rank, reciprocal_ranks, values_of
from ml.families.workflows import (
    SLOT,
    Session,
    continuations,
    fill_steps,
    generalise,
    mine,
    reached,
    sessions_of,
)

GOAL = ("search", "open", "export", "share")


def sessions() -> list[Session]:
    """30 people: ten export well, ten print well, ten wander about and fail; four of them share a habit."""
    found = []
    for at in range(30):
        person, kind = f"p{at}", at // 10
        steps = [GOAL, ("search", "open", "print", "share"), ("open", "help", "open", "quit")][kind]
        found += [Session(person, steps, kind < 2)] * 2
        if at < 4:
            found.append(Session(person, ("secret", "habit", "share"), True))
    return found


def test_planted_workflows_are_mined_and_a_habit_of_four_is_not() -> None:
    found = mine(sessions())
    assert {w.steps for w in found[:2]} <= {GOAL, ("search", "open", "print", "share"), ("search", "open")}
    assert GOAL in {w.steps for w in found}
    assert "secret" not in {step for w in found for step in w.steps}
    assert all(w.n_people >= 5 and w.lift > 0 for w in found)
    assert GOAL[1:] not in {w.steps for w in found}  # the same sessions as the longer one


def test_workflows_alike_but_for_a_step_become_one_template() -> None:
    mined = mine(sessions())
    template = next(w for w in generalise(mined) if w.steps == ("search", "open", SLOT, "share"))
    assert dict(template.fillers[0]) == {"export": 10, "print": 10}
    assert fill_steps(template, lambda _, step: float(step == "print")) == ("search", "open", "print", "share")
    assert continuations(mined, ("login", "search", "open"), 2) == [("export", "share"), ("print", "share")]
    assert continuations(mined, ("nothing",)) == []


def test_success_is_a_goal_with_no_failure_after_it() -> None:
    judge = reached({"share"}, {"error"})
    assert [judge(steps) for steps in (GOAL, ("error", "share"), ("share", "error"), ("open",))] == [
        True, True, False, False,
    ]  # fmt: skip


def test_sessions_come_from_the_rows_of_the_feature_table() -> None:
    rows = pd.DataFrame(
        {
            "subject": ["s", "s", "s", "t"], "session_started_at": [1, 1, 1, 1], "step_no": [2, 1, 3, 1],
            "action": ["b", "a", "b", "c"],
        }
    )  # fmt: skip
    found = sessions_of(rows, lambda steps: steps[0] == "a")
    assert found == [Session("s", ("a", "b"), True), Session("t", ("c",), False)]


def test_probabilities_are_witten_and_bells() -> None:
    fitted = StepLanguage(order=2, k_people=1).fit([["a", "b"], ["a", "a"]])
    # After nothing: a 3 times of 6 and 3 kinds: (3 + 3 / 3) / (6 + 3); after a: a 1, b 1, END 1 of 3.
    alone = {"a": 4 / 9, "b": 2 / 9, END: 3 / 9}
    assert fitted.probability(["x", "b"], "a") == pytest.approx((0 + 1 * alone["a"]) / 2)
    assert fitted.probability(["a"], "b") == pytest.approx((1 + 3 * alone["b"]) / 6)
    assert fitted.distribution(["a"]).sum() == pytest.approx(1)
    assert fitted.probability([], "z") == 0


def test_steps_of_four_people_are_nowhere_in_the_generator() -> None:
    found = sessions()
    sequences, people = [s.steps for s in found], [s.person for s in found]
    fitted = StepLanguage(order=3).fit(sequences, people=people)
    assert b"secret" not in pickle.dumps(fitted)
    assert b"secret" in pickle.dumps(StepLanguage(order=3, k_people=4).fit(sequences, people=people))
    assert fitted.likeliest(["search", "open", "export"]) == ["share"]
    with pytest.raises(UnknownStepsError):
        StepLanguage().fit([["a"], ["b"]])


def test_the_order_is_chosen_on_validation_and_drawn_sequences_look_like_it() -> None:
    chance = np.random.default_rng(0)

    def walk() -> list[str]:
        steps = ["a"]
        while len(steps) < 8:
            steps.append("abc"[("abc".index(steps[-1]) + (1 if chance.random() < 0.8 else 2)) % 3])
        return steps

    train, validation = [walk() for _ in range(200)], [walk() for _ in range(50)]
    order, losses = best_order(train, validation)
    assert order >= 2
    assert losses[1] > losses[2] + 0.2
    fitted = StepLanguage(order).fit(train)
    assert len(fitted.likeliest(["a"], 12, may_end=False)) == 12
    drawn = [fitted.drawn(["a"], chance, longest=20) for _ in range(50)]
    following = [b for steps in drawn for a, b in zip(["a", *steps], steps, strict=False) if a == "a"]
    assert 0.6 < following.count("b") / len(following) < 0.95


def test_slots_are_filled_from_the_prompt_and_open_ones_are_named() -> None:
    template = Template("report", "report", "Report on {topic} for {when:date} as {format}, {n:number} rows, {who}")
    found = fill(template, "Give me 20 rows about quarterly sales by 2024-05-01 as CSV, cost below $300")
    assert found.text == "Report on quarterly sales for 2024-05-01 as CSV, 20 rows, {who}"
    assert found.missing == ("who",)
    values = values_of('a draft of "The Plan" in 3 days, 5% off, next monday, 12 copies')
    assert (values["quoted"], values["duration"], values["percent"]) == (["The Plan"], ["3 days"], ["5%"])
    assert (values["date"], values["number"]) == (["next monday"], ["12"])


def test_feedback_re_ranks_templates_of_an_intent_and_four_people_do_not() -> None:
    templates = [Template(name, name[0], "") for name in ("a1", "a2", "b1")]
    chances = np.array([[0.6, 0.4], [0.1, 0.9]])
    assert rank(["a", "b"], chances, templates, {}).tolist() == [[0, 1, 2], [2, 0, 1]]
    judged = {"a1": Feedback(200, 0.3, 50), "a2": Feedback(200, 0.9, 50), "b1": Feedback(200, 0.6, 50)}
    ranked = rank(["a", "b"], chances, templates, judged)
    assert ranked.tolist() == [[1, 2, 0], [2, 1, 0]]
    assert reciprocal_ranks(ranked, [0, 2]).tolist() == [pytest.approx(1 / 3), 1]
    few = {"a1": Feedback(200, 0.3, 4), "a2": Feedback(200, 0.9, 4)}
    assert rank(["a", "b"], chances, templates, few).tolist() == [[0, 1, 2], [2, 0, 1]]


def test_bleu_and_rouge_are_their_libraries() -> None:
    pytest.importorskip("sacrebleu", reason="needs the extra generation")
    pytest.importorskip("rouge_score", reason="needs the extra generation")
    from sacrebleu import corpus_bleu

    from ml.families.generation import bleu, compared, rouge_l

    made = [["open file", "save", "close", "quit", "end"], ["open", "save", "share", "quit"]]
    taken = [["open file", "save", "close", "quit", "end"], ["open", "save", "print", "quit"]]
    ones = np.ones((1, 2))
    lines = [[" ".join(step.replace(" ", "_") for step in steps) for steps in part] for part in (made, taken)]
    assert bleu(made, taken)(ones)[0] * 100 == pytest.approx(corpus_bleu(lines[0], [lines[1]], tokenize="none").score)
    assert rouge_l(made, taken)(ones)[0] == pytest.approx((1 + 0.75) / 2)
    found = compared(made * 20, [["open"]] * 40, taken * 20, ("ours", "one step"), {"order": 2}, "planted")
    assert found.gain.low > 0.3
    assert found.guards["rouge_l gain"].low > 0.3
