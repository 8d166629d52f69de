"""The next step of a session by a recurrent network: PyTorch learns it, NumPy scores it. It chooses nothing.

Extra `deep`, for training only: the fitted estimator holds arrays, so that it is stored, checked and scored without
PyTorch. Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ml.families.step_language import UnknownStepsError
from ml.families.step_tables import Steps, last_steps, moments, shared_steps
from ml.families.terms import K_PEOPLE, People
from ml.intervals import Codes, Floats

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GATES = {"gru": 3, "lstm": 4}
HELD_OUT = 10  # every tenth person's sessions say when to stop
DROPOUT = 0.25  # of what goes into the cell, and of what comes out
PATIENCE = 2  # epochs without a better loss of theirs
ROWS_AT_ONCE = 512
NOTHING = -100  # a target that is none: no step, or one that too few people took

Weights = NDArray[np.float32]


class TorchMissingError(Exception):
    """The extra `deep` is not installed."""


class RecurrentNextStep(BaseEstimator):  # type: ignore[misc]
    """P(next step | the last `longest` steps): embedding, one GRU (Cho 2014) or LSTM (Hochreiter 1997), softmax.

    Trained on every step of every session by Adam (Kingma 2015) with dropout on what goes in and out, until the loss of
    the people left out has not fallen for PATIENCE epochs; the epoch with the smallest is kept. On a GPU,
    where there is one.

    names_: steps that k_people people took, sorted; all others are one step to it. embedding_ (steps + 1, size),
    from_step_, from_state_ (gates x size, size), step_bias_, state_bias_ (gates x size,), out_ (steps, size),
    out_bias_ (steps,): float32. losses_: of the people left out after each epoch, in nats a step.
    """

    def __init__(
        self, cell: str = "gru", size: int = 96, longest: int = 30, most_epochs: int = 20, seed: int = 0,
        k_people: int = K_PEOPLE,
    ) -> None:  # fmt: skip
        self.cell = cell
        self.size = size
        self.longest = longest
        self.most_epochs = most_epochs
        self.seed = seed
        self.k_people = k_people

    def fit(self, sequences: Sequence[Steps], y: object = None, people: People = None) -> RecurrentNextStep:  # noqa: ARG002
        """Learn; people (n,) says whose each sequence is, None: each somebody else's.

        Raises TorchMissingError, and UnknownStepsError where no step is of enough people.
        """
        _require_torch()
        self.names_ = shared_steps(sequences, people, self.k_people)
        if not self.names_:
            raise UnknownStepsError(f"no step was taken by {self.k_people} people; train on sessions of more people")
        log = moments(sequences, self.names_, 0, people)
        table, owners = _windows(log.targets, log.people, log.is_last, self.longest, len(self.names_))
        is_held = owners % HELD_OUT == 0
        known, held = (table[~is_held], table[is_held]) if 0 < is_held.sum() < len(table) else (table, table)
        with _one_core():
            network, self.losses_ = _learned(self, known, held)
        self._take(network)
        return self

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats:
        """ln P of each of names_ after each beginning: (n, steps)."""
        lags = last_steps(begun, self.names_, self.longest)
        made = [self._scored(lags[at : at + ROWS_AT_ONCE]) for at in range(0, len(lags), ROWS_AT_ONCE)]
        return np.vstack(made) if made else np.zeros((0, len(self.names_)))

    def predict(self, begun: Sequence[Steps]) -> list[str]:
        """The likeliest next step of each beginning."""
        return [self.names_[at] for at in self.log_probabilities(begun).argmax(axis=1)]

    def _scored(self, lags: Codes) -> Floats:
        """The oldest step first; a beginning that is shorter keeps the state of nothing until its own steps begin."""
        lengths = (np.cumsum(lags[:, ::-1] >= 0, axis=1) > 0).sum(axis=1)
        state = np.zeros((len(lags), self.size), np.float32)
        memory = state.copy()
        for back in range(self.longest - 1, -1, -1):
            codes = np.where(lags[:, back] >= 0, lags[:, back], len(self.names_))
            new_state, new_memory = self._stepped(self.embedding_[codes], state, memory)
            begun = (back < lengths)[:, None]
            state, memory = np.where(begun, new_state, state), np.where(begun, new_memory, memory)
        scores = (state @ self.out_.T + self.out_bias_).astype(np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        found: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return found

    def _stepped(self, step: Weights, state: Weights, memory: Weights) -> tuple[Weights, Weights]:
        """One step of the cell, as https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers states it."""
        given = np.split(step @ self.from_step_.T + self.step_bias_, GATES[self.cell], axis=1)
        kept = np.split(state @ self.from_state_.T + self.state_bias_, GATES[self.cell], axis=1)
        if self.cell == "gru":
            reset, update = (_sigmoid(given[at] + kept[at]) for at in (0, 1))
            fresh = np.tanh(given[2] + reset * kept[2])
            return (1 - update) * fresh + update * state, memory
        enter, forget, out = (_sigmoid(given[at] + kept[at]) for at in (0, 1, 3))
        memory = forget * memory + enter * np.tanh(given[2] + kept[2])
        return out * np.tanh(memory), memory

    def _take(self, network: torch.nn.ModuleDict) -> None:
        taken: dict[str, Weights] = {
            name: value.detach().cpu().numpy().astype(np.float32) for name, value in network.state_dict().items()
        }
        self.embedding_ = taken["embedding.weight"]
        self.from_step_, self.from_state_ = taken["cell.weight_ih_l0"], taken["cell.weight_hh_l0"]
        self.step_bias_, self.state_bias_ = taken["cell.bias_ih_l0"], taken["cell.bias_hh_l0"]
        self.out_, self.out_bias_ = taken["out.weight"], taken["out.bias"]


def _windows(
    targets: Codes, people: Codes, is_last: NDArray[np.bool_], longest: int, n_steps: int
) -> tuple[Codes, Codes]:
    """Sessions of two steps and more, cut into pieces of longest + 1 that share a step: (pieces, longest + 1), owners.

    NOTHING fills what a piece is shorter by; a step that is not in names is n_steps.
    """
    ends = np.flatnonzero(is_last) + 1
    starts = np.concatenate([[0], ends[:-1]])
    pieces = [(at, min(at + longest + 1, end)) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
              for at in range(start, end - 1, longest)]  # fmt: skip
    table = np.full((len(pieces), longest + 1), NOTHING, np.int64)
    for row, (start, end) in enumerate(pieces):
        table[row, : end - start] = np.where(targets[start:end] >= 0, targets[start:end], n_steps)
    return table, people[[start for start, _ in pieces]] if pieces else np.zeros(0, np.int64)


def _learned(asked: RecurrentNextStep, known: Codes, held: Codes) -> tuple[torch.nn.ModuleDict, list[float]]:
    """The network of the epoch that says most of the pieces held out, and their loss after each epoch."""
    import torch

    torch.manual_seed(asked.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = _network(asked).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    draw = np.random.default_rng(asked.seed)
    losses: list[float] = []
    best: dict[str, Tensor] = {}
    for _ in range(asked.most_epochs):
        network.train()
        for piece in _batches(known[draw.permutation(len(known))], device):
            optimizer.zero_grad()
            _loss(network, piece, len(asked.names_))[0].backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        losses.append(_mean_loss(network, held, device, len(asked.names_)))
        if losses[-1] == min(losses):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        if len(losses) - int(np.argmin(losses)) > PATIENCE:
            break
    network.load_state_dict(best)
    return network, losses


@contextmanager
def _one_core() -> Iterator[None]:
    """Cells of this size are several times quicker on one core than on all, above all beside other work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _network(asked: RecurrentNextStep) -> torch.nn.ModuleDict:
    from torch import nn

    kinds = {"gru": nn.GRU, "lstm": nn.LSTM}
    n_steps = len(asked.names_)
    return nn.ModuleDict({
        "embedding": nn.Embedding(n_steps + 1, asked.size),
        "dropout": nn.Dropout(DROPOUT),
        "cell": kinds[asked.cell](asked.size, asked.size, batch_first=True),
        "out": nn.Linear(asked.size, n_steps),
    })  # fmt: skip


def _batches(table: Codes, device: torch.device, size: int = 128) -> Iterator[Tensor]:
    import torch

    for start in range(0, len(table), size):
        yield torch.from_numpy(table[start : start + size]).to(device)


def _loss(network: torch.nn.ModuleDict, piece: Tensor, n_steps: int) -> tuple[Tensor, int]:
    """Mean cross entropy of the steps that follow, in nats, and how many they are."""
    from torch.nn import functional

    before, wanted = piece[:, :-1], piece[:, 1:].clone()
    wanted[wanted == n_steps] = NOTHING
    stepped = network["dropout"](network["embedding"](before.clamp(min=0)))
    states = network["dropout"](network["cell"](stepped)[0])
    scores = network["out"](states)[wanted != NOTHING]
    asked = wanted[wanted != NOTHING]
    return functional.cross_entropy(scores, asked) if len(asked) else scores.sum() * 0, len(asked)


def _mean_loss(network: torch.nn.ModuleDict, held: Codes, device: torch.device, n_steps: int) -> float:
    import torch

    network.eval()
    with torch.no_grad():
        found = [(loss.item(), n) for loss, n in (_loss(network, piece, n_steps) for piece in _batches(held, device))]
    total = sum(n for _, n in found)
    return sum(loss * n for loss, n in found) / total if total else 0.0


def _sigmoid(values: Weights) -> Weights:
    return (1 / (1 + np.exp(-np.clip(values, -60, 60)))).astype(np.float32)


def _require_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise TorchMissingError("PyTorch is not installed; pip install 'lethe[deep]', for the CPU from its CPU index")
