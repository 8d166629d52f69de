"""Names by the lists, by a tagger trained on a few sentences, and what is kept of the training."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.detection import sentences
from privacy.detection.detector import Detector
from privacy.detection.errors import TaggerUntrainedError
from privacy.detection.findings import FULL_NAME, Field
from privacy.detection.gazetteer import Gazetteer, shipped
from privacy.detection.names import NameFinder
from privacy.detection.tagger import Tagger, Training, digest_of, train
from privacy.detection.tokens import features, tokens

FEW = Training(n_sentences=400, max_iterations=25)
LISTS = Gazetteer(
    first=frozenset({"ada", "grace", "mark", "paris"}),
    last=frozenset({"lovelace", "hopper", "smith"}),
    common=frozenset({"mark", "the", "will"}),
    places=frozenset({"paris", "london"}),
)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    return Tagger.open(tmp_path_factory.mktemp("models"), shipped(), FEW)


def found(finder: NameFinder, text: str) -> list[str]:
    return [text[f.start : f.end] for f in finder.find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I met Ada Lovelace in London.", ["Ada Lovelace"]),
        ("Dr. Hopper and Mr Okonkwo-Lund left", ["Hopper", "Okonkwo-Lund"]),
        ("Grace B. Hopper's ship", ["Grace B. Hopper"]),
        ("ask Ada", ["Ada"]),
        ("Mark the date", []),
        ("Paris is nice", []),
        ("Smith", []),
        ("", []),
    ],
)
def test_rules_over_lists_alone(text: str, names: list[str]) -> None:
    assert found(NameFinder(LISTS), text) == names


def test_words_keep_their_places_and_lose_a_possessive() -> None:
    text = "Ada's O'Brien-Lund, 12"
    assert [text[t.start : t.end] for t in tokens(text)] == ["Ada", "'s", "O'Brien-Lund", ",", "12"]


def test_hidden_words_look_as_if_no_list_held_them() -> None:
    shown, hidden = (features(["Ada", "Lovelace"], LISTS, at)[0] for at in ((), (0,)))
    assert "f:F" in shown
    assert "f:F" not in hidden


def test_training_sentences_are_the_same_for_a_seed_and_their_labels_lie_on_words() -> None:
    first, again, other = (list(sentences.sentences(60, seed)) for seed in (1, 1, 2))
    assert first == again != other
    for sentence in first:
        inside = {at for name in sentence.names for at in name}
        assert {at for at, label in enumerate(sentence.labels) if label != "O"} == inside


def test_a_tagger_finds_names_that_no_list_holds(tagger: Tagger) -> None:
    assert "Zorvak Quillbeam" in found(NameFinder(shipped(), tagger), "My name is Zorvak Quillbeam.")
    assert all(0 <= b + i <= 1.0001 for b, i in tagger.name_chances(tokens("Hello Ada, the build is green")))


def test_a_model_is_kept_by_the_digest_of_its_inputs(tagger: Tagger, tmp_path: Path) -> None:
    tiny = Training(n_sentences=30, max_iterations=2)
    Tagger.open(tmp_path, LISTS, tiny)
    (model,) = tmp_path.iterdir()
    before = model.stat().st_mtime_ns
    Tagger.open(tmp_path, LISTS, tiny)
    assert model.stat().st_mtime_ns == before
    assert digest_of(LISTS, tiny) != digest_of(LISTS, Training(n_sentences=30, max_iterations=2, seed=8))
    assert digest_of(LISTS, tiny) != digest_of(shipped(), tiny)
    assert tagger.gazetteer is shipped()


def test_a_model_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((TaggerUntrainedError, OSError)):
        train(tmp_path / "absent" / "model", sentences.sentences(5, 1), LISTS, FEW)


def test_a_pattern_wins_over_a_name_in_it_and_machine_fields_have_no_names() -> None:
    detector = Detector(NameFinder(LISTS))
    text = "Ada Lovelace <ada@example.com> lives at 12 Hopper Street"
    assert [f.kind for f in detector.find(text)] == [FULL_NAME, "email", "postal_address"]
    assert [f.kind for f in detector.find(text, Field.MACHINE)] == ["email"]
    assert [f.kind for f in Detector().find(text)] == ["email", "postal_address"]
