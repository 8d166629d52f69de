"""Which next-action model is worth its cost: a dearer rung is taken where people left out say that it ranks better.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ml.families.behaviour import Sessions, StepModel, left_out, questions
from ml.families.next_step import MarkovChain, NextStep
from ml.families.recurrent import RecurrentNextStep
from ml.intervals import Figure
from ml.next_action.measures import METRIC, Beside, UsualSteps, answers, beside

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

USUAL, CHAIN, MIXTURE = "how usual steps are", "Markov chain", "mixture of counts"  # cheapest first
NETWORK = "recurrent network"  # the dearest; trained where the extra `deep` is installed


@dataclass(frozen=True, slots=True)
class Ladder:
    """The chosen rung, and MRR on people left out: of the mixture, of the chain, and the difference.

    network, network_gain: of the recurrent network, and beside the better of the two; None where PyTorch is missing.
    """

    chosen: str
    mixture: Figure
    chain: Figure
    gain: Figure
    network: Figure | None = None
    network_gain: Figure | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Ladder:
        """What `document` made."""
        names = ("mixture", "chain", "gain", "network", "network_gain")
        figures = {name: Figure(**found) for name in names if (found := document.get(name))}
        return cls(str(document["chosen"]), **figures)


def climb(known: Sessions) -> Ladder:
    """The rungs on people left out; a dearer one only where the lower bound of its gain is above 0."""
    is_validation = left_out(known.people)
    train, validation = known.of(~is_validation), known.of(is_validation)
    asked = questions(validation.steps, validation.people)
    dear, cheap = (answers(model_of(rung, train), asked).places for rung in (MIXTURE, CHAIN))
    found: Beside = beside(dear, cheap, asked.units)[METRIC]
    chosen, best = (MIXTURE, dear) if found.gain.low > 0 else (CHAIN, cheap)
    if find_spec("torch") is None:
        return Ladder(chosen, found.model, found.other, found.gain)
    network = beside(answers(model_of(NETWORK, train), asked).places, best, asked.units)[METRIC]
    chosen = NETWORK if network.gain.low > 0 else chosen
    return Ladder(chosen, found.model, found.other, found.gain, network.model, network.gain)


def model_of(rung: str, known: Sessions) -> NextStep | MarkovChain | RecurrentNextStep:
    """A rung learned from sessions. Raises UnknownStepsError where no step is of enough people."""
    models: dict[str, NextStep | MarkovChain | RecurrentNextStep] = {
        NETWORK: RecurrentNextStep(), MIXTURE: NextStep(), CHAIN: MarkovChain(),
    }  # fmt: skip
    return models[rung].fit(known.steps, people=known.people)


def learn(rung: str, known: Sessions) -> Pipeline:
    """A rung as a pipeline of one step, so that the registry keeps it as it keeps any other model."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("next_step", model_of(rung, known))])


def cheaper(rung: str, known: Sessions) -> tuple[str, StepModel]:
    """The next cheaper rung by name, learned from the same sessions: what the dearer one has to beat."""
    if rung == CHAIN:
        chain = MarkovChain().fit(known.steps, people=known.people)
        return USUAL, UsualSteps(chain.names_, chain.shares_)
    below = MIXTURE if rung == NETWORK else CHAIN
    return below, model_of(below, known)
