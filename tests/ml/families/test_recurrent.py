"""A recurrent network of steps: scored by NumPy as PyTorch says, better than a chain where the past matters."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from ml.families.next_step import MarkovChain
from ml.families.recurrent import GATES, RecurrentNextStep, TorchMissingError
from ml.families.step_language import UnknownStepsError

deep = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: nothing recurrent is trained")
NAMES = ["a", "b", "c", "d"]


def given(cell: str, size: int = 3) -> RecurrentNextStep:
    """An estimator as fitting leaves it, with weights drawn."""
    draw, made = np.random.default_rng(7), RecurrentNextStep(cell, size=size, longest=4)
    width = GATES[cell] * size
    shapes = {"embedding_": (len(NAMES) + 1, size), "from_step_": (width, size), "from_state_": (width, size),
              "step_bias_": (width,), "state_bias_": (width,), "out_": (len(NAMES), size),
              "out_bias_": (len(NAMES),)}  # fmt: skip
    made.names_ = NAMES
    for name, shape in shapes.items():
        setattr(made, name, draw.normal(size=shape).astype(np.float32))
    return made


def by_hand(model: RecurrentNextStep, steps: list[str]) -> list[float]:
    """ln P of each step, cell by cell and gate by gate in plain Python."""
    size, gates = model.size, GATES[model.cell]
    state, memory = [0.0] * size, [0.0] * size

    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    for step in steps:
        code = NAMES.index(step) if step in NAMES else len(NAMES)
        row, old = [float(v) for v in model.embedding_[code]], list(state)
        one = [sum(float(w) * v for w, v in zip(model.from_step_[g], row, strict=True)) + float(model.step_bias_[g])
               for g in range(gates * size)]  # fmt: skip
        two = [sum(float(w) * v for w, v in zip(model.from_state_[g], old, strict=True)) + float(model.state_bias_[g])
               for g in range(gates * size)]  # fmt: skip
        for at in range(size):
            first, second, third, fourth = (k * size + at for k in range(4))
            if model.cell == "gru":
                reset, update = sigmoid(one[first] + two[first]), sigmoid(one[second] + two[second])
                state[at] = (1 - update) * math.tanh(one[third] + reset * two[third]) + update * old[at]
            else:
                enter, forget = sigmoid(one[first] + two[first]), sigmoid(one[second] + two[second])
                memory[at] = forget * memory[at] + enter * math.tanh(one[third] + two[third])
                state[at] = sigmoid(one[fourth] + two[fourth]) * math.tanh(memory[at])
    scores = [sum(float(w) * v for w, v in zip(model.out_[k], state, strict=True)) + float(model.out_bias_[k])
              for k in range(len(NAMES))]  # fmt: skip
    total = math.log(sum(map(math.exp, scores)))
    return [score - total for score in scores]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_numpy_scores_as_the_cells_are_defined(cell: str) -> None:
    model = given(cell)
    begun = [["a", "b"], ["d"], [], ["c", "rare", "a", "b"], ["a", "a", "b", "c", "d", "d"]]
    found = model.log_probabilities(begun)
    assert np.allclose(np.exp(found).sum(axis=1), 1)
    for row, steps in zip(found, begun, strict=True):
        assert np.allclose(row, by_hand(model, steps[-model.longest :]), atol=1e-5)
    assert model.log_probabilities([]).shape == (0, 4)
    assert model.predict([["a", "b"]]) == [NAMES[int(found[0].argmax())]]


def remembered(n: int) -> list[list[str]]:
    """The last step is the first one; what stands between says nothing."""
    draw = np.random.default_rng(0)
    return [[first, *draw.choice(["x", "y"], 3), first] for first in draw.choice(["a", "b", "c"], n)]


@deep
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_it_remembers_what_a_chain_forgets_and_two_fits_say_the_same(cell: str) -> None:
    train, asked = remembered(800), remembered(60)
    begun, wanted = [steps[:-1] for steps in asked], [steps[-1] for steps in asked]
    model = RecurrentNextStep(cell, size=16, most_epochs=40).fit(train)
    right = np.mean([said == step for said, step in zip(model.predict(begun), wanted, strict=True)])
    chain = MarkovChain().fit(train).predict(begun)
    assert right > 0.95 > np.mean([said == step for said, step in zip(chain, wanted, strict=True)])
    again = RecurrentNextStep(cell, size=16, most_epochs=40).fit(train)
    assert np.array_equal(model.log_probabilities(begun), again.log_probabilities(begun))


@deep
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_numpy_scores_as_pytorch_does(cell: str) -> None:
    import torch

    model = RecurrentNextStep(cell, size=8, most_epochs=2).fit(remembered(100))
    network: Any = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](8, 8, batch_first=True)
    weights = {"weight_ih_l0": model.from_step_, "weight_hh_l0": model.from_state_,
               "bias_ih_l0": model.step_bias_, "bias_hh_l0": model.state_bias_}  # fmt: skip
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    for steps in (["a", "x", "y"], ["b"]):
        codes = [model.names_.index(step) for step in steps]
        states = network(torch.from_numpy(model.embedding_[codes])[None])[0][0, -1]
        scores = states @ torch.from_numpy(model.out_).T + torch.from_numpy(model.out_bias_)
        said = torch.log_softmax(scores, 0).detach().numpy()
        assert np.allclose(model.log_probabilities([steps])[0], said, atol=1e-5)


@deep
def test_training_stops_when_people_left_out_gain_nothing() -> None:
    noise = np.random.default_rng(1).choice(["a", "b", "c"], (60, 5)).tolist()
    model = RecurrentNextStep(size=32, most_epochs=200).fit(noise)
    assert len(model.losses_) < 200
    assert len(model.losses_) - 1 - int(np.argmin(model.losses_)) == 2


@deep
def test_a_step_of_too_few_people_is_in_no_weight_of_its_own() -> None:
    model = RecurrentNextStep(size=4, most_epochs=1).fit([*remembered(20), ["a", "secret", "a"]])
    assert "secret" not in model.names_
    with pytest.raises(UnknownStepsError):
        RecurrentNextStep().fit([["a", "b"]] * 10, people=["one"] * 10)


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(TorchMissingError, match=r"lethe\[deep\]"):
        RecurrentNextStep().fit(remembered(10))
