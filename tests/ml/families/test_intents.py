"""Intents of small planted texts, prompts out of scope, the network's slopes, and what the artefact must not hold."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix
from sklearn.base import clone

from ml.artifacts import learned_digest
from ml.families.intents import OUT_OF_SCOPE, IntentClassifier, NoThresholdError, highest_threshold, measured
from ml.families.network import SparseNetwork, _softmax
from ml.families.result import FamilyPolicy, decide_family

CANARY = "zqxjkvwy"
WORDS = {
    "export": ["export", "report", "csv", "download", "file"],
    "billing": ["invoice", "card", "payment", "refund", "charge"],
    "invite": ["invite", "colleague", "team", "member", "seat"],
}
FILL = ["please", "the", "my", "can", "you", "now", "a", "for", "today"]


def prompts(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of two words of an intent among words of all, and their intents."""
    chance = np.random.default_rng(seed)
    intents = [str(name) for name in chance.choice(list(WORDS), n)]
    texts = [
        " ".join(chance.permutation([*chance.choice(WORDS[name], 2), *chance.choice(FILL, 4)])) for name in intents
    ]
    return texts, intents


@pytest.fixture(scope="module")
def fitted() -> IntentClassifier:
    texts, intents = prompts(240, 0)
    texts[:4] = [f"{text} {CANARY}" for text in texts[:4]]
    return IntentClassifier(width=16, epochs=10).fit(texts, intents)


def test_planted_intents_are_told_apart(fitted: IntentClassifier) -> None:
    texts, intents = prompts(200, 1)
    assert (fitted.predict(texts) == intents).mean() > 0.97
    assert fitted.predict_proba(texts).sum(axis=1) == pytest.approx(np.ones(200))


def test_prompts_out_of_scope_are_refused_at_a_threshold_chosen_on_validation(fitted: IntentClassifier) -> None:
    chosen = pickle.loads(pickle.dumps(fitted)).choose_threshold(*prompts(200, 2), least_accuracy=0.95)  # noqa: S301
    strange = ["what is the weather like", "sing a song about whales", "how tall is the tower", "hm"]
    assert set(chosen.predict(strange)) == {OUT_OF_SCOPE}
    assert set(fitted.predict(strange)) <= set(WORDS)  # before one is chosen, nothing is refused
    texts, intents = prompts(200, 3)
    assert (chosen.predict(texts) == intents).mean() > 0.85


def test_the_family_states_itself_for_the_gates(fitted: IntentClassifier) -> None:
    chosen = pickle.loads(pickle.dumps(fitted)).choose_threshold(*prompts(200, 2), least_accuracy=0.95)  # noqa: S301
    texts, intents = prompts(200, 6)
    strange = ["what is the weather like", "sing about whales", "how tall is the tower"]
    people = [f"p{at // 2}" for at in range(200)]
    found = measured(chosen, texts, intents, people, strange, ["a", "b", "c"])
    assert found.n_units == 100
    policy = FamilyPolicy(0.2, {"accuracy": 0.85, "out_of_scope_recall": 0.9})
    assert all(verdict.passed for verdict in decide_family(found, policy))
    naive = measured(fitted, texts, intents, people, strange, ["a", "b", "c"])
    assert [verdict.passed for verdict in decide_family(naive, policy)] == [True, True, False]


def test_vectors_will_do_and_an_intent_of_four_people_is_not_learned() -> None:
    chance = np.random.default_rng(0)
    intents = ["one", "two"] * 40 + ["rare"] * 10
    people = [f"p{at}" for at in range(80)] + [f"p{at % 4}" for at in range(10)]
    centres = {"one": [2.0, 0.0, 0.0], "two": [0.0, 2.0, 0.0], "rare": [0.0, 0.0, 2.0]}
    vectors = np.array([centres[name] for name in intents]) + chance.normal(size=(90, 3)) / 4
    fitted = IntentClassifier(width=8, epochs=10, dropout=0.1).fit(vectors, intents, people)
    assert fitted.classes_.tolist() == ["one", "two"]
    assert b"rare" not in pickle.dumps(fitted)
    assert (fitted.predict(vectors[:80]) == intents[:80]).mean() > 0.95


def test_the_threshold_is_the_highest_that_keeps_the_accuracy() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    is_right = np.array([True, True, False, True, True])
    threshold = highest_threshold(confidence, is_right, 0.6)
    assert threshold == 0.6
    assert (is_right & (confidence >= threshold)).mean() == pytest.approx(0.6)
    assert highest_threshold(confidence, is_right, 0.8) == 0.5
    with pytest.raises(NoThresholdError, match="ask less"):
        highest_threshold(confidence, is_right, 0.81)


def test_a_word_of_four_people_is_nowhere_in_the_artefact_and_no_text_is(fitted: IntentClassifier) -> None:
    import skops.io

    texts, intents = prompts(240, 0)
    file = io.BytesIO()
    skops.io.dump(fitted, file)
    for artefact in (pickle.dumps(fitted), file.getvalue()):
        assert CANARY.encode() not in artefact
        assert b"zqx" not in artefact
        assert not any(text.encode() in artefact for text in texts)
    with_five = [f"{text} {CANARY}" if at < 5 else text for at, text in enumerate(texts)]
    assert CANARY.encode() in pickle.dumps(IntentClassifier(width=4, epochs=1).fit(with_five, intents))
    one_person = ["p"] * 240
    one_person[:235] = [f"p{at}" for at in range(235)]
    loud = [f"{text} {CANARY}" if at >= 235 else text for at, text in enumerate(texts)]
    assert CANARY.encode() not in pickle.dumps(IntentClassifier(width=4, epochs=1).fit(loud, intents, one_person))


def test_a_loaded_artefact_says_the_same(fitted: IntentClassifier) -> None:
    import skops.io

    own = [f"ml.families.{name}" for name in ("intents.IntentClassifier", "network.SparseNetwork", "terms.SharedTerms")]
    loaded = skops.io.loads(skops.io.dumps(fitted), trusted=own)
    texts, _ = prompts(50, 4)
    before = learned_digest(loaded)
    assert np.array_equal(loaded.predict_proba(texts), fitted.predict_proba(texts))
    assert learned_digest(loaded) == before == learned_digest(fitted)  # use changes nothing


def test_same_rows_same_model_and_two_intents_will_do() -> None:
    texts, intents = prompts(80, 5)
    two = ["billing" if intent == "billing" else "other" for intent in intents]
    first, second = (IntentClassifier(width=8, epochs=6).fit(texts, two) for _ in range(2))
    assert np.array_equal(first.predict_proba(texts), second.predict_proba(texts))
    assert (first.predict(texts) == two).mean() > 0.95
    assert clone(first).get_params() == first.get_params()


def test_the_slopes_of_the_network_are_its_slopes() -> None:
    chance = np.random.default_rng(0)
    rows, codes = csr_matrix(chance.random((6, 4)) * (chance.random((6, 4)) > 0.4)), np.array([0, 1, 2, 0, 1, 2])
    network: Any = SparseNetwork(width=3, epochs=1, dropout=0.0).fit(rows, codes)
    network.weights_ = [chance.normal(size=w.shape) for w in network.weights_]
    shapes = [w.shape for w in network.weights_]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def set_to(flat: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        network.weights_ = [p.reshape(s) for p, s in zip(np.split(flat, ends), shapes, strict=True)]

    def loss(flat: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        set_to(flat)
        first, bias, second, last = network.weights_
        chances = _softmax(np.maximum(rows @ first + bias, 0) @ second + last)
        return float(-np.log(chances[np.arange(6), codes]).mean())

    def slope(flat: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        set_to(flat)
        return np.concatenate([part.ravel() for part in network._slopes(rows.copy(), codes, chance)])

    assert check_grad(loss, slope, np.concatenate([w.ravel() for w in network.weights_])) < 1e-4
