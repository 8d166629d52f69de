"""Whether a model is trained again, and why: pure decisions over what was observed. Nothing is read or started here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RetrainingPolicy:
    """What a training must be worth. Gains and the cost are points of AUC, so that they can be compared.

    cost: what a new version must surely gain before it is worth its minutes and a change of champion; less than that
    cannot be told from chance (the tolerance of the gate beats_incumbent). The gains are assumptions until the journal
    holds enough retrainings to learn them from: a model all of whose important features moved, features that no model
    has seen, and data that were refused while the champion learnt.
    """

    cost: float = 0.002
    gain_when_all_drifted: float = 0.05
    gain_of_new_features: float = 0.003
    gain_of_recovered_data: float = 0.003
    cool_down: timedelta = timedelta(days=7)
    cool_down_of_schedule: timedelta = timedelta(days=3)  # under a week: its own last training must not stop the next


@dataclass(frozen=True, slots=True)
class Trigger:
    """One reason to train: its kind, its figures in words, the AUC it may gain; must: whatever that is."""

    kind: str
    text: str
    gain: float = 0.0
    must: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Train, with the cause, or not, with the reason. key: the same causes ask once."""

    train: bool
    text: str
    key: str = ""


def decide(
    triggers: Sequence[Trigger], *, asked_at: datetime | None, now: datetime, policy: RetrainingPolicy
) -> Decision:
    """One decision over all triggers, however many: a training answers every cause at once."""
    if not triggers:
        return Decision(False, "nothing to train for")
    text = "; ".join(trigger.text for trigger in triggers)
    if any(trigger.must for trigger in triggers):
        return Decision(True, text, _key(triggers, f"{now:%Y-%m-%d}"))
    gain = max(trigger.gain for trigger in triggers)
    if gain <= policy.cost:
        return Decision(False, f"{text}; expected gain {gain:.4f} AUC does not exceed the cost of {policy.cost:.4f}")
    if (why := too_soon(asked_at, now, policy.cool_down)) is not None:
        return Decision(False, f"{text}; {why}")
    return Decision(True, f"{text}; expected gain {gain:.4f} AUC", _key(triggers, ""))


def too_soon(asked_at: datetime | None, now: datetime, cool_down: timedelta) -> str | None:
    """Why no other training is asked for yet; None where one may be."""
    if asked_at is None or now - asked_at >= cool_down:
        return None
    return f"a training was asked for {asked_at:%Y-%m-%d}, the next not before {asked_at + cool_down:%Y-%m-%d}"


def drifted(kind: str, text: str, weight: float, policy: RetrainingPolicy) -> Trigger:
    """A trigger for features that carry `weight` of the model's importance."""
    return Trigger(kind, text, weight * policy.gain_when_all_drifted)


def _key(triggers: Sequence[Trigger], moment: str) -> str:
    content = "\n".join([*sorted(f"{trigger.kind}: {trigger.text}" for trigger in triggers), moment])
    return hashlib.sha256(content.encode()).hexdigest()
