"""The conditional random field that finds names: trained here from generated text, cached by its inputs' digest.

A model file is data of pycrfsuite, made on this machine and never part of the repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from privacy.detection import carriers, gazetteer, sentences, tokens
from privacy.detection.errors import TaggerUntrainedError
from privacy.detection.gazetteer import Gazetteer
from privacy.detection.sentences import Sentence
from privacy.detection.tokens import Token, features

if TYPE_CHECKING:
    import pycrfsuite


@dataclass(frozen=True, slots=True)
class Training:
    """Everything that decides what a trained tagger is, beside the code and the lists of names."""

    n_sentences: int = 7_000
    seed: int = 7
    drop_out: float = 0.2  # the share of names whose words look unlisted in training; without it the lists alone decide
    c1: float = 0.05
    c2: float = 0.05
    max_iterations: int = 70


@dataclass(frozen=True, slots=True)
class Tagger:
    """A trained field and the lists it reads words with."""

    gazetteer: Gazetteer
    _crf: pycrfsuite.Tagger

    @classmethod
    def open(cls, folder: Path, words: Gazetteer, training: Training) -> Tagger:
        """The tagger of these inputs from a folder, trained first (about ten seconds) where it is not there yet."""
        import pycrfsuite

        path = folder / f"names-{digest_of(words, training)[:16]}.crfsuite"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            train(draft, sentences.sentences(training.n_sentences, training.seed), words, training)
            draft.replace(path)
        crf = pycrfsuite.Tagger()
        crf.open(str(path))
        return cls(words, crf)

    def name_chances(self, found: list[Token]) -> list[tuple[float, float]]:
        """Per word the marginal probabilities that a name begins there, and that one goes on there."""
        self._crf.set(features([token.word for token in found], self.gazetteer))
        labels = self._crf.labels()
        return [
            tuple(self._crf.marginal(label, at) if label in labels else 0.0 for label in ("B", "I"))  # type: ignore[misc]
            for at in range(len(found))
        ]


def train(path: Path, labelled: Iterable[Sentence], words: Gazetteer, training: Training) -> None:
    """Fit a first-order CRF by L-BFGS with elastic net (Okazaki, CRFsuite 2007) and write it to a file."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": training.c1, "c2": training.c2, "max_iterations": training.max_iterations})
    generator = random.Random(training.seed)  # noqa: S311 - which names look unlisted, no secret
    for sentence in labelled:
        hidden = {at for name in sentence.names if generator.random() < training.drop_out for at in name}
        trainer.append(features(sentence.words, words, hidden), sentence.labels)
    trainer.train(str(path))
    if not path.exists():
        raise TaggerUntrainedError(f"pycrfsuite wrote no model to {path}; is the folder writable?")


def digest_of(words: Gazetteer, training: Training) -> str:
    """SHA-256 over the lists, the parameters, the training code and the versions that generate and fit."""
    digest = hashlib.sha256()
    for part in (words.first, words.last, words.common, words.places):
        digest.update("\n".join(sorted(part)).encode() + b"\0")
    digest.update(json.dumps([asdict(training), version("faker"), version("python-crfsuite")]).encode())
    for module in (carriers, gazetteer, sentences, tokens):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
