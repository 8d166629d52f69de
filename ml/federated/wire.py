"""Questions to a silo and its answers as bytes, for silos behind a network. JSON and words; no sockets, no objects.

What comes from outside is read strictly: what is not as agreed is a FederatedError, whoever sent it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ml.federated import errors
from ml.federated.errors import FederatedError, ForgedMessageError
from ml.federated.local import Task
from ml.federated.masks import Words
from ml.federated.messages import Opening, Participant, Revealed, Round, require_length
from ml.federated.model import LinearModel

Exchange = Callable[[bytes, int], bytes]  # (question, the longest answer) -> answer; or FederatedError
MOST_TEXT = 1 << 25
WORDS = b"W"
T = TypeVar("T")
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class Remote:
    """A silo behind a network, as the server's Participant. An answer of another form puts it out of the round."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._length = 0

    def open(self, round_: Round) -> Opening:
        """See Participant."""
        self._length = round_.length
        return self._ask(
            {"step": "open", "round": [round_.training.hex(), round_.number, round_.length, round_.threshold]},
            lambda found: Opening(*map(bytes.fromhex, found["opening"])),
        )

    def share(self, openings: Mapping[int, Opening]) -> Mapping[int, bytes]:
        """See Participant."""
        said = {n: [opening.key.hex(), opening.commitment.hex()] for n, opening in openings.items()}
        return self._ask({"step": "share", "openings": said}, lambda found: _bytes(found["texts"]))

    def contribute(self, sealed: Mapping[int, bytes], task: Task) -> Words:
        """See Participant."""
        question = {"step": "contribute", "texts": _hex(sealed), "task": _of_task(task)}
        answer = self._exchange(json.dumps(question).encode(), len(WORDS) + 8 * self._length)
        if answer[:1] != WORDS:
            raise _refusal(answer)
        require_length(len(answer) - 1, 8 * self._length, "a silo's vector in bytes")
        return np.frombuffer(answer, dtype="<u8", offset=1).astype(np.uint64, copy=False)

    def confirm(self, survivors: frozenset[int]) -> Mapping[int, bytes]:
        """See Participant."""
        return self._ask(
            {"step": "confirm", "survivors": sorted(survivors)}, lambda found: _bytes(found["texts"])
        )  # fmt: skip

    def reveal(self, confirmations: Mapping[int, bytes]) -> Revealed:
        """See Participant."""
        return self._ask(
            {"step": "reveal", "texts": _hex(confirmations)},
            lambda found: Revealed(_shares(found["seeds"]), _shares(found["keys"])),
        )

    def done(self, model: LinearModel) -> None:
        """Tell the silo the model that came of it."""
        self._ask({"step": "done", "model": _of_model(model)}, lambda found: found["done"])

    def _ask(self, question: dict[str, Any], read: Callable[[Any], T]) -> T:
        answer = self._exchange(json.dumps(question).encode(), MOST_TEXT)
        try:
            found = json.loads(answer)
            if "error" not in found:
                return read(found)
        except _UNREADABLE:
            raise ForgedMessageError("a silo's answer is not what was asked for; it is out of the round") from None
        raise _refusal(answer)


def answer(member: Participant, question: bytes) -> tuple[bytes, LinearModel | None]:
    """A silo's answer, and the model when the question told it. A refusal is an answer: only its kind is sent."""
    try:
        return _answer(member, json.loads(question))
    except FederatedError as error:
        return json.dumps({"error": type(error).__name__}).encode(), None
    except _UNREADABLE:
        return json.dumps({"error": ForgedMessageError.__name__}).encode(), None


def _answer(member: Participant, asked: Any) -> tuple[bytes, LinearModel | None]:
    step = asked["step"]
    if step == "contribute":
        words = member.contribute(_bytes(asked["texts"]), _task(asked["task"]))
        return WORDS + words.astype("<u8", copy=False).tobytes(), None
    if step == "done":
        return json.dumps({"done": True}).encode(), _model(asked["model"])
    if step == "open":
        training, *numbers = asked["round"]
        opening = member.open(Round(bytes.fromhex(training), *map(int, numbers)))
        said: dict[str, Any] = {"opening": [opening.key.hex(), opening.commitment.hex()]}
    elif step == "share":
        openings = {int(n): Opening(*map(bytes.fromhex, pair)) for n, pair in asked["openings"].items()}
        said = {"texts": _hex(member.share(openings))}
    elif step == "confirm":
        said = {"texts": _hex(member.confirm(frozenset(map(int, asked["survivors"]))))}
    elif step == "reveal":
        revealed = member.reveal(_bytes(asked["texts"]))
        said = {"seeds": {n: hex(s) for n, s in revealed.seeds.items()},
                "keys": {n: hex(s) for n, s in revealed.keys.items()}}  # fmt: skip
    else:
        raise ForgedMessageError("a silo was asked for something that no round has")
    return json.dumps(said).encode(), None


def _refusal(text: bytes) -> FederatedError:
    """What a silo refused with; a kind that is not ours is no more than a malformed answer."""
    try:
        kind = getattr(errors, str(json.loads(text)["error"]), ForgedMessageError)
    except _UNREADABLE:
        kind = ForgedMessageError
    if not (isinstance(kind, type) and issubclass(kind, FederatedError)):
        kind = ForgedMessageError
    return kind(f"the silo refused ({kind.__name__})")


def _hex(texts: Mapping[int, bytes]) -> dict[int, str]:
    return {n: text.hex() for n, text in texts.items()}


def _bytes(texts: Mapping[str, str]) -> dict[int, bytes]:
    return {int(n): bytes.fromhex(text) for n, text in texts.items()}


def _shares(texts: Mapping[str, str]) -> dict[int, int]:
    return {int(n): int(text, 16) for n, text in texts.items()}


def _of_task(task: Task) -> dict[str, Any]:
    return {"kind": task.kind, "steps": task.steps, "rate": task.rate, "l2": task.l2, "model": _of_model(task.model)}


def _task(text: Mapping[str, Any]) -> Task:
    steps = int(text["steps"])
    if not 1 <= steps <= 1_000:
        raise ForgedMessageError("a silo was asked for more local steps than a plan may have")
    return Task(str(text["kind"]), _model(text["model"]), steps, float(text["rate"]), float(text["l2"]))


def _of_model(model: LinearModel) -> dict[str, Any]:
    parts = {name: getattr(model, name).tolist() for name in ("center", "scale", "weights")}
    return {"columns": list(model.columns), **parts}


def _model(text: Mapping[str, Any]) -> LinearModel:
    columns = tuple(map(str, text["columns"]))
    center, scale, weights = (np.array(text[name], dtype=np.float64) for name in ("center", "scale", "weights"))
    k = len(columns)
    if center.shape != (k,) or scale.shape != (k,) or weights.shape != (k + 1,) or not (scale > 0).all():
        raise ForgedMessageError("a model came with other lengths than its features have")
    return LinearModel(columns, center, scale, weights)
