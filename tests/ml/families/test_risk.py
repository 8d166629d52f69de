"""Planted bots, shared keys and stolen cards among honest people; labels that tell more, and labels of chance."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import clone

from ml.families.result import FamilyPolicy, decide_family
from ml.families.risk import SIGNS, NoSignsError, RiskScore
from ml.families.risk_choice import InvertedScoreError, TooFewLabelsError, fit_best, measured

CANARY = 48151.623421
MODELS = Path(__file__).parents[3] / "dbt_project" / "models" / "features"


def people(n: int, seed: int) -> pd.DataFrame:
    """Signs of honest people, as the columns of SIGNS."""
    chance = np.random.default_rng(seed)
    shares = {name: chance.beta(1.2, 12, n) for name in SIGNS if "share" in name or "regularity" in name}
    counts = {name: chance.poisson(1.0, n).astype(float) for name in SIGNS if name not in shares}
    counts["n_requests_28d"] = chance.lognormal(4, 1, n)
    counts["max_requests_per_minute_28d"] = 1 + chance.poisson(3, n)
    counts["n_people_of_api_key_28d"] = chance.integers(0, 2, n).astype(float)
    return pd.DataFrame({name: (shares | counts)[name] for name in SIGNS}).astype(float)


def planted(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Honest people, of whom the first three are a bot, a shared key and a stolen card; then one who does nothing."""
    signs = people(n, seed)
    bot = ["rapid_request_share_28d", "repeated_request_share_28d", "request_regularity_28d"]
    signs.loc[0, bot] = [0.95, 0.9, 0.97]
    signs.loc[0, ["n_requests_28d", "max_requests_per_minute_28d"]] = [40_000.0, 300.0]
    signs.loc[1, ["n_networks_28d", "n_people_of_api_key_28d", "n_api_keys_28d"]] = [40.0, 25.0, 9.0]
    signs.loc[2, ["n_payment_method_changes_90d", "n_failed_payments_90d"]] = [12.0, 30.0]
    signs.loc[3] = 0.0
    return signs


@pytest.fixture(scope="module")
def fitted() -> RiskScore:
    return RiskScore(n_trees=100).fit(planted())


def test_planted_fraud_comes_first_and_doing_nothing_is_not_suspicious(fitted: RiskScore) -> None:
    risk = fitted.decision_function(planted())
    assert set(np.argsort(-risk)[:3]) == {0, 1, 2}
    assert risk[3] < np.median(risk)
    flagged = fitted.predict(planted())
    assert flagged[:3].all()
    assert flagged.mean() == pytest.approx(fitted.reviewed, abs=0.01)


def test_reasons_name_what_was_planted_and_tell_no_value(fitted: RiskScore) -> None:
    bot, key, card, idle = fitted.reasons(planted().head(4))
    assert {reason.kind for reason in bot} == {"automation"}
    assert key[0].kind == "sharing"
    assert {reason.code for reason in card} == {"n_payment_method_changes_90d", "n_failed_payments_90d"}
    assert idle == ()
    assert sum(reason.part for reason in card) > 0.6
    assert not any(str(value) in repr(bot) for value in (0.95, 0.97, 40_000.0))


def test_a_missing_sign_is_no_sign_and_order_of_rows_changes_nothing(fitted: RiskScore) -> None:
    signs = planted()
    missing = signs.assign(n_networks_28d=np.nan)
    typical = signs.assign(n_networks_28d=0.0)
    assert fitted.decision_function(missing) == pytest.approx(fitted.decision_function(typical))
    shuffled = signs.sample(frac=1.0, random_state=1)
    assert pd.Series(fitted.decision_function(shuffled), shuffled.index).sort_index().to_numpy() == pytest.approx(
        fitted.decision_function(signs)
    )
    assert clone(fitted).fit(signs[["n_networks_28d"]].assign(empty=np.nan)).predict(signs.assign(empty=1.0)).any()


def test_labels_are_used_where_they_tell_more() -> None:
    """Fraud at ordinary values, which no forest can see: labels find it, and the gates hold."""
    signs, who = people(700, 3), np.arange(700).astype(object)
    is_fraud = (signs["night_share_28d"] > 0.1) & (signs["n_requests_28d"] < 60)
    labels = np.where(is_fraud, 1.0, 0.0)
    labels[600:] = np.nan
    found = measured(signs, labels, who, n_folds=2)
    policy = FamilyPolicy(0.05, {"auc_roc": 0.9, "auc_pr": 0.6})
    assert all(verdict.passed for verdict in decide_family(found, policy))
    assert found.n_rows == 600
    model = RiskScore(n_trees=30).fit(signs, labels)
    assert model.has_learned_labels_
    assert model.decision_function(signs[600:])[is_fraud[600:]].mean() > 0.5
    assert not RiskScore(n_trees=10).fit(signs, np.where(labels > 0, np.nan, labels)).has_learned_labels_


def test_labels_that_tell_nothing_leave_the_forest() -> None:
    signs, who = people(400, 4), np.arange(400).astype(object)
    chance = np.where(np.random.default_rng(0).random(400) < 0.3, 1.0, 0.0)
    model, why = fit_best(signs, chance, who, n_folds=2)
    assert not model.has_learned_labels_
    assert "may be nothing" in why
    honest_stand_out = np.where(signs["n_requests_28d"] < signs["n_requests_28d"].median(), 1.0, 0.0)
    with pytest.raises(InvertedScoreError, match="look at what the signs mean"):
        fit_best(signs[["n_requests_28d"]], honest_stand_out, who, n_folds=2)
    with pytest.raises(TooFewLabelsError, match="60 of each"):
        measured(signs, np.where(np.arange(400) < 9, 1.0, 0.0), who)
    assert fit_best(signs, np.full(400, np.nan), who)[1].startswith("isolation forest: 0 of 0")


def test_the_artefact_holds_nobodys_row() -> None:
    signs = planted()
    signs.loc[5] = CANARY * (1 + np.arange(len(signs.columns)))
    labels = np.tile([0.0, 1.0], 300)
    stored = pickle.dumps(RiskScore(n_trees=50).fit(signs, labels))
    kept = np.arcsinh(signs.loc[5].to_numpy(np.float64))
    for row in (signs.loc[5].to_numpy(np.float64), kept):
        assert not any(value.tobytes() in stored for value in row)
        assert not any(value.tobytes() in stored for value in row.astype(np.float32))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(NoSignsError, match="30 people at least"):
        RiskScore().fit(people(29, 0))


def test_every_sign_is_a_column_of_the_feature_table() -> None:
    document = yaml.safe_load((MODELS / "ftr_user_fraud_weekly.yml").read_text())
    columns = {column["name"] for column in document["models"][0]["columns"]}
    assert set(SIGNS) == columns - {"cutoff_on", "subject", "automation_score_28d"}
