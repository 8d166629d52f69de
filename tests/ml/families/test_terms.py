"""Artefacts hold what k people share and no other word: canaries in every form in which a word could stay."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pandas as pd
import pytest

from ml.families.terms import NothingSharedError, SharedTerms, SharedValues

CANARY = "zqxjkvwy"
SHARED = [
    "please export the report",
    "where is my card",
    "export my card report",
    "is the report late",
    "my card is late",
]


def texts_with(n_people: int) -> tuple[list[str], list[str]]:
    """Texts of 20 people, `n_people` of whom wrote the canary, the first of them ten times."""
    texts = [SHARED[at % len(SHARED)] for at in range(20)]
    people = [f"p{at}" for at in range(20)]
    for at in range(n_people):
        texts[at] += f" {CANARY}"
    return [*texts, *[f"{CANARY} export"] * 10], [*people, *["p0"] * 10]


@pytest.mark.parametrize(("analyzer", "shortest", "longest"), [("word", 1, 2), ("char_wb", 2, 5)])
@pytest.mark.parametrize("n_people", [4, 5])
def test_a_term_of_four_people_is_nowhere_in_the_artefact(
    analyzer: str, shortest: int, longest: int, n_people: int
) -> None:
    texts, people = texts_with(n_people)
    fitted = SharedTerms(analyzer, shortest, longest).fit(texts, people=people)
    kept = fitted.get_feature_names_out().tolist()
    letters = {term for term in kept if "q" in term or "z" in term}
    assert bool(letters) is (n_people == 5)
    assert (b"zqxj" in pickle.dumps(fitted)) is (n_people == 5)  # no cache, no stop list holds it either
    assert any("export" in term or "expor" in term for term in kept)


def test_what_one_person_says_often_is_not_shared() -> None:
    texts, people = texts_with(1)
    assert CANARY not in SharedTerms().fit(texts, people=people).get_feature_names_out()
    # Told of no people, it takes each text for another person's: eleven texts are enough.
    assert CANARY in SharedTerms().fit(texts).get_feature_names_out()


def test_texts_without_a_shared_term_are_refused() -> None:
    with pytest.raises(NothingSharedError, match="5 people"):
        SharedTerms().fit(["alpha beta", "gamma delta"])


def test_features_are_of_length_one_or_nothing() -> None:
    texts, people = texts_with(0)
    fitted = SharedTerms()
    table = fitted.fit_transform(texts, people=people)
    assert np.allclose((fitted.transform(texts) - table).data, 0)
    lengths = np.sqrt(np.asarray(fitted.transform(["export the card", CANARY]).power(2).sum(axis=1))).ravel()
    assert lengths == pytest.approx([1, 0])


def test_a_label_of_four_people_has_no_column() -> None:
    table = pd.DataFrame({"intent": ["a"] * 5 + ["b"] * 4 + [None] * 2, "plan": ["pro"] * 9 + ["rare"] * 2})
    people = [*"12345", *"1234", "8", "9"]
    fitted = SharedValues().fit(table, people=people)
    assert fitted.get_feature_names_out().tolist() == ["intent is a", "plan is pro"]
    assert b"rare" not in pickle.dumps(fitted)
    assert fitted.transform(table).sum(axis=0).tolist() == [5, 9]


def test_skops_loads_the_features_only_where_they_are_allowed() -> None:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    texts, people = texts_with(5)
    fitted = SharedTerms().fit(texts, people=people)
    file = io.BytesIO()
    skops.io.dump(fitted, file)
    with pytest.raises(UntrustedTypesFoundException, match="SharedTerms"):
        skops.io.loads(file.getvalue())
    loaded = skops.io.loads(file.getvalue(), trusted=["ml.families.terms.SharedTerms"])
    assert np.allclose((loaded.transform(texts) - fitted.transform(texts)).data, 0)
