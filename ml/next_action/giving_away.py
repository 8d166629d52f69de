"""How well somebody can tell from the next-action model whose sessions it learnt from; the attack is ml.membership's.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ml.families.behaviour import Questions, Sessions, questions
from ml.families.next_step import MarkovChain, NextStep
from ml.families.recurrent import RecurrentNextStep
from ml.families.step_language import UnknownStepsError
from ml.families.step_tables import last_steps, places_in
from ml.intervals import Codes, Floats, encode
from ml.membership import Membership, halves, told
from ml.next_action.rungs import model_of

MOST_ASKED = 16_000  # steps: the fewer a model learns from, the more it remembers of each, so a sample errs strictly
FEWEST_PEOPLE = 20
SEED = 20261122


def membership(known: Sessions, rung: str) -> Membership | None:
    """Models of the recipe on random halves of some people, attacked by what each gives to the steps that were taken.

    None where fewer than FEWEST_PEOPLE have steps to ask about.
    """
    some = some_people(known)
    owners, n_people = encode(some.people)
    if n_people < FEWEST_PEOPLE:
        return None
    asked = questions(some.steps, some.people)
    inside = halves(n_people, np.random.default_rng(SEED))
    shares = [_shares(some.of(half[owners]), asked, rung) for half in inside]
    return told(np.stack(shares), inside, encode(asked.units)[0])


def some_people(known: Sessions) -> Sessions:
    """The sessions with a next step of as many people as make MOST_ASKED of them.

    People are numbered by what they did, not by their pseudonyms: other keys of a home give the same figure.
    """
    sizes = np.array([len(steps) - 1 for steps in known.steps], dtype=np.int64)
    asked = known.of(sizes > 0)
    owners = _by_steps(asked)
    taken = np.cumsum(np.bincount(owners, sizes[sizes > 0]))
    return Sessions(asked.steps, owners.astype(object)).of(taken[owners] <= max(MOST_ASKED, taken[0]))


def _by_steps(sessions: Sessions) -> Codes:
    """Whose each session is (n,), as the place of a person among all in the order of a hash of their sessions."""
    owners, n_people = encode(sessions.people)
    done = [hashlib.sha256() for _ in range(n_people)]
    for owner, steps in zip(owners.tolist(), sessions.steps, strict=True):
        done[owner].update("\0".join([*steps, ""]).encode())
    order = np.argsort(np.array([hasher.hexdigest() for hasher in done]), kind="stable")
    return np.argsort(order, kind="stable")[owners].astype(np.int64)


def _shares(learned_from: Sessions, asked: Questions, rung: str) -> Floats:
    """What a model of these sessions gives to each step that was taken (n,); 0 to one that it does not know."""
    try:
        model = model_of(rung, learned_from)
    except UnknownStepsError:
        return np.zeros(len(asked.wanted))
    wanted = places_in(model.names_, np.array(asked.wanted, dtype=str))
    lags = last_steps(asked.begun, model.names_, _looks_back(model))
    _, first, row = np.unique(lags, axis=0, return_index=True, return_inverse=True)
    shares = np.exp(model.log_probabilities([asked.begun[at] for at in first]))
    return np.where(wanted >= 0, shares[row.ravel(), np.maximum(wanted, 0)], 0.0)


def _looks_back(model: NextStep | MarkovChain | RecurrentNextStep) -> int:
    """How many steps a model tells the next one from: beginnings that end alike need to be asked once."""
    if isinstance(model, RecurrentNextStep):
        return model.longest
    return model.window if isinstance(model, NextStep) else 1
