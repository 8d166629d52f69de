"""Which next-action model is worth its cost: a dearer rung is taken where people left out say that it ranks better.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ml.families.behaviour import Sessions, StepModel, left_out, questions
from ml.families.next_step import MarkovChain, NextStep
from ml.intervals import Figure
from ml.next_action.measures import METRIC, Beside, UsualSteps, answers, beside

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

USUAL, CHAIN, MIXTURE = "how usual steps are", "Markov chain", "mixture of counts"  # cheapest first


@dataclass(frozen=True, slots=True)
class Ladder:
    """The chosen rung, and MRR on people left out: of the mixture, of the chain, and the difference."""

    chosen: str
    mixture: Figure
    chain: Figure
    gain: Figure

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Ladder:
        """What `document` made."""
        figures = {name: Figure(**document[name]) for name in ("mixture", "chain", "gain")}
        return cls(str(document["chosen"]), **figures)


def climb(known: Sessions) -> Ladder:
    """Both rungs on people left out; the mixture only where the lower bound of its gain is above 0."""
    is_validation = left_out(known.people)
    train, validation = known.of(~is_validation), known.of(is_validation)
    asked = questions(validation.steps, validation.people)
    dear, cheap = (answers(model_of(rung, train), asked).places for rung in (MIXTURE, CHAIN))
    found: Beside = beside(dear, cheap, asked.units)[METRIC]
    return Ladder(MIXTURE if found.gain.low > 0 else CHAIN, found.model, found.other, found.gain)


def model_of(rung: str, known: Sessions) -> NextStep | MarkovChain:
    """A rung learned from sessions. Raises UnknownStepsError where no step is of enough people."""
    model = NextStep() if rung == MIXTURE else MarkovChain()
    return model.fit(known.steps, people=known.people)


def learn(rung: str, known: Sessions) -> Pipeline:
    """A rung as a pipeline of one step, so that the registry keeps it as it keeps any other model."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("next_step", model_of(rung, known))])


def cheaper(rung: str, known: Sessions) -> tuple[str, StepModel]:
    """The next cheaper rung by name, learned from the same sessions: what the dearer one has to beat."""
    chain = MarkovChain().fit(known.steps, people=known.people)
    return (CHAIN, chain) if rung == MIXTURE else (USUAL, UsualSteps(chain.names_, chain.shares_))
