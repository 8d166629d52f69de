"""A model of each text family goes through its file and the family's allow-list and says the same; and the columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import yaml
from sklearn.pipeline import Pipeline

from ml.artifacts import FAMILY_TYPES, UntrustedArtefactError, file_digest, load_allowed, load_checked
from ml.families import answers, patterns, timing
from ml.families.companies import CompanyGroups
from ml.families.intents import IntentClassifier
from ml.families.next_step import NextStep
from ml.families.peers import FeatureGraph
from ml.families.preferences import PairPreference
from ml.families.recommendation import ImplicitFactors, ItemToItem
from ml.families.risk import RiskScore
from ml.families.step_language import StepLanguage
from ml.families.tabular import TabularClassifier
from tests.ml.families import test_companies, test_peers, test_recurrent, test_risk, test_tabular, test_timing
from tests.ml.families.test_answers import exchanges
from tests.ml.families.test_preferences import contests

FEATURES = Path(__file__).parents[3] / "dbt_project" / "models" / "features"


def intents() -> tuple[Any, Callable[[Any], Any]]:
    texts = ["export the report", "pay the invoice"] * 20
    model = IntentClassifier(width=4, epochs=1).fit(texts, ["export", "billing"] * 20)
    return model, lambda loaded: loaded.predict_proba(texts)


def ai_quality() -> tuple[Any, Callable[[Any], Any]]:
    rows = exchanges(200, 0)
    return answers.fit("answer", rows), lambda loaded: answers.quality(loaded, rows)


def preferences() -> tuple[Any, Callable[[Any], Any]]:
    pairs, verdicts = contests(100)
    return PairPreference().fit(pairs, verdicts), lambda loaded: loaded.predict_proba(pairs)


def resource_generation() -> tuple[Any, Callable[[Any], Any]]:
    model = StepLanguage().fit([["open", "save", "close"]] * 6)
    return model, lambda loaded: loaded.steps[-1][1].distribution(["open"])


def risk() -> tuple[Any, Callable[[Any], Any]]:
    signs = test_risk.people(90, 0)
    model = RiskScore(n_trees=5).fit(signs, np.tile([0.0, 1.0], 45))
    return model, lambda loaded: loaded.steps[-1][1].decision_function(signs)


def company_similarity() -> tuple[Any, Callable[[Any], Any]]:
    rows, _ = test_companies.companies()
    model = CompanyGroups().fit(rows, test_companies.MANY)
    return model, lambda loaded: loaded.steps[-1][1].distances(rows)


def company_graph() -> tuple[Any, Callable[[Any], Any]]:
    uses, _ = test_peers.uses()
    return FeatureGraph().fit(uses), lambda loaded: loaded.transform(uses)


def tabular() -> tuple[Any, Callable[[Any], Any]]:
    columns, classes, _ = test_tabular.table(200, 0)
    members = ("linear", "flat boosting", "forest")
    model = TabularClassifier(members, n_folds=2, least_weight=0.0).fit(columns, classes)
    return model, lambda loaded: loaded.predict_proba(columns)


def behaviour() -> tuple[Any, Callable[[Any], Any]]:
    """The mixture, and a network as fitting leaves it: two files would say no more."""
    both = Pipeline([
        ("network", test_recurrent.given("gru")), ("mixture", NextStep().fit([["open", "save", "close"]] * 300)),
    ])  # fmt: skip
    return both, lambda loaded: np.hstack([model.log_probabilities([["open", "a"]]) for _, model in loaded.steps])


def recommendation() -> tuple[Any, Callable[[Any], Any]]:
    sets = [{"search", "export"}, {"search", "share"}] * 9
    both = Pipeline([("alike", ItemToItem().fit(sets)), ("factors", ImplicitFactors(2).fit(sets))])
    return both, lambda loaded: np.hstack([model.scores(sets) for _, model in loaded.steps])


def returns() -> tuple[Any, Callable[[Any], Any]]:
    rows = timing.returns(*test_timing.log(20, 12, 0))
    return timing.ReturnTime(5).fit(rows, rows["hours"].to_numpy()), lambda loaded: loaded.steps[-1][1].predict(rows)


FAMILIES = (
    behaviour, recommendation, returns,
    intents, ai_quality, preferences, resource_generation, risk, company_similarity, company_graph, tabular,
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_a_family_loads_under_its_own_list_and_says_the_same(
    family: Callable[[], tuple[Any, Callable[[Any], Any]]], tmp_path: Path
) -> None:
    model, ask = family()
    whole = model if isinstance(model, Pipeline) else Pipeline([("model", model)])
    path = tmp_path / "model.skops"
    skops.io.dump(whole, path)
    types = FAMILY_TYPES[family.__name__]
    assert np.array_equal(ask(load_checked(path, file_digest(path), types)), ask(whole))
    with pytest.raises(UntrustedArtefactError, match="not allowed"):
        load_allowed(path)
    for missing in set(types) & set(skops.io.get_untrusted_types(file=path)):
        with pytest.raises(UntrustedArtefactError, match="not allowed"):
            load_allowed(path, [name for name in types if name != missing])


def test_what_the_families_read_is_a_column_of_the_feature_table() -> None:
    document = yaml.safe_load((FEATURES / "ftr_prompt_response_pairs.yml").read_text())
    columns = {column["name"] for column in document["models"][0]["columns"]}
    read = {*answers.LABELS, *answers.ASKED, *answers.ANSWERED, *answers.VECTORS["answer"], *patterns.BANDED}
    judged = {"subject", "event_day", "exchange_no", "rating", "has_succeeded", "has_failed", "is_edited"}
    assert read | judged | {"is_regenerated"} <= columns
    assert set(exchanges(5, 0).columns) <= columns
    steps = yaml.safe_load((FEATURES / "ftr_user_sequences.yml").read_text())["models"][0]["columns"]
    assert {"subject", "session_started_at", "step_no", "action"} <= {column["name"] for column in steps}
