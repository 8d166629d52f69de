"""The next-action model from its set to champion: what is learned, what the file holds, which faults are refused."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ml.artifacts import UntrustedArtefactError, load_allowed
from ml.gates import POLICIES
from ml.journal import Journal
from ml.next_action import giving_away, rungs, telling
from ml.next_action.measures import sessions_of, step_model
from ml.next_action.sessions import MODEL, StepSet
from ml.next_action.training import Candidate, Fitted, fit_candidate, train_candidate, training_key
from ml.promotion import PromotionDecision, PromotionRefusedError, decide_promotion, promote, rollback
from ml.registry import Registry
from ml.taint import TAINTED, Taint, taint
from ml.training_sets import store
from tests.ml import versions
from tests.ml.next_action import habits
from tests.ml.synthetic import AT, provenance
from warehouse.database import Database

pytestmark = pytest.mark.integration
POLICY = POLICIES[MODEL]
SPLIT = date(2024, 3, 4)  # the newest quarter of the days of habits


@pytest.fixture(scope="module")
def chained() -> StepSet:
    return habits.step_set()


@pytest.fixture(scope="module")
def good(chained: StepSet, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A model of habits, fitted once."""
    return fit(chained, tmp_path_factory.mktemp("journal"))


def fit(training_set: StepSet, folder: Path) -> Fitted:
    with Journal(folder, now=lambda: AT) as journal:
        return fit_candidate(training_set, journal)


@pytest.fixture
def models(registry: Registry) -> Registry:
    """The registry of the model, beside the churn model's."""
    return registry.of(MODEL)


def recorded(fitted: Fitted, models: Registry) -> Candidate:
    return Candidate(MODEL, models.record(fitted, training_key(fitted.training_set)), fitted, reused=False)


def refused(decision: PromotionDecision) -> set[str]:
    return {verdict.name for verdict in decision.verdicts if not verdict.passed}


def test_a_set_becomes_a_champion_once(
    chained: StepSet, models: Registry, journal: Journal, registry: Registry, tmp_path: Path
) -> None:
    made = train_candidate(chained, models, journal, lambda _: None)
    decision = decide_promotion(made, models, POLICY, journal)
    assert decision.passed, decision.explain()
    assert [verdict.name for verdict in decision.verdicts] == list(POLICY.gates)
    assert made.fitted.report.measures["hr_1"].model.value > 0.6
    promote(decision, models, journal)
    assert (models.champion(), registry.champion()) == (1, None)
    again = train_candidate(chained, models, journal, lambda _: None)
    assert (again.version, again.reused, again.fitted.report) == (1, True, made.fitted.report)
    assert decide_promotion(again, models, POLICY, journal).already_champion
    tags = models.versions()[1]
    assert tags["lethe.training_set_id"] == chained.training_set_id
    assert (tags["lethe.rung"], made.fitted.rung) == (rungs.CHAIN, rungs.CHAIN)
    names = {path.name for path in tmp_path.rglob("*")}
    assert {"ranking.png", "calibration.png", "model_card.html", "manifest.json", "facts.json"} <= names
    (card,) = tmp_path.rglob("model_card.html")
    assert "stood first in" in card.read_text()
    journal.close()
    events = {
        json.loads(line)["event"] for path in (tmp_path / "logs").iterdir() for line in path.read_text().splitlines()
    }
    assert {"DATASET_PREPROCESSED", "ALGORITHM_SELECTED", "MODEL_EVALUATED", "MODEL_SAVED"} <= events


def test_the_file_holds_nobody_and_nothing_of_fewer_than_five(
    chained: StepSet, good: Fitted, models: Registry, tmp_path: Path
) -> None:
    """Four people took the secret step; a fifth makes it shared. No context of it, no pseudonym, no session stays."""
    recorded(good, models)
    (path,) = tmp_path.rglob("model.skops")
    stored = inside(path) + b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert habits.SECRET.encode() not in stored
    assert b"u_0007" not in stored
    assert any(habits.SECRET in steps for steps in chained.known["steps"]), "it was there to be learned"
    fifth = habits.rows()
    told = fifth["steps"].where(fifth["subject"] != "u_0009", fifth["steps"] + f" > {habits.SECRET}")
    pipeline = rungs.learn(rungs.MIXTURE, sessions_of(habits.step_set(fifth.assign(steps=told)).known))
    assert habits.SECRET in step_model(pipeline).names_
    with pytest.raises(UntrustedArtefactError, match="not allowed"):
        load_allowed(path)  # under the churn model's list


def inside(path: Path) -> bytes:
    with zipfile.ZipFile(path) as file:
        return b"".join(file.read(name) for name in file.namelist())


def test_a_worse_candidate_is_refused_by_baseline_and_incumbent(
    good: Fitted, models: Registry, journal: Journal, tmp_path: Path
) -> None:
    promote(decide_promotion(recorded(good, models), models, POLICY, journal), models, journal)
    worse = fit(habits.step_set(habits.turned_round(habits.rows(), SPLIT)), tmp_path)
    decision = decide_promotion(recorded(worse, models), models, POLICY, journal)
    assert {"beats_baseline", "beats_incumbent"} <= refused(decision)
    with pytest.raises(PromotionRefusedError, match="MRR gain"):
        promote(decision, models, journal)
    assert models.champion() == 1


def test_sessions_that_are_all_alike_are_implausible(models: Registry, journal: Journal, tmp_path: Path) -> None:
    """Who always does the same leaves nothing to tell: a log like that was made, or holds its own answer."""
    made = fit(habits.step_set(habits.rows().assign(steps=" > ".join(habits.FIXED))), tmp_path)
    assert "plausible" in refused(decide_promotion(recorded(made, models), models, POLICY, journal))


def test_a_tampered_file_is_refused(good: Fitted, models: Registry, journal: Journal, tmp_path: Path) -> None:
    made = recorded(good, models)
    (path,) = tmp_path.rglob("model.skops")
    path.write_bytes(path.read_bytes() + b" ")
    assert refused(decide_promotion(made, models, POLICY, journal)) == {"loads", "size", "latency"}


def test_a_version_that_was_taken_out_of_service_stays_out(good: Fitted, models: Registry, journal: Journal) -> None:
    first, second = recorded(good, models), recorded(good, models)
    promote(decide_promotion(first, models, POLICY, journal), models, journal)
    models.promote(second.version)
    assert rollback(models, journal, "a test") == (2, 1)
    assert refused(decide_promotion(second, models, POLICY, journal)) == {"not_rolled_back"}


def test_a_tainted_champion_is_replaced_by_one_without_the_person(
    good: Fitted, models: Registry, journal: Journal, tmp_path: Path
) -> None:
    """The new one knows a little less; a champion that nobody taints would stay."""
    models.promote(recorded(good, models).version)
    rows = habits.rows()
    second = recorded(fit(habits.step_set(rows[rows["subject"] != "u_0007"]), tmp_path), models)
    gain = second.against(models, 1).difference
    assert gain is not None
    assert abs(gain.value) < 0.005
    taint(models, [good.training_set.training_set_id], cause="erasure-1", now=AT)
    decision = decide_promotion(second, models, POLICY, journal)
    assert decision.comparison is not None
    assert decision.comparison.must_go
    assert refused(decision) == set(), decision.explain()
    models.note(2, {TAINTED: "erasure-2"})
    again = decide_promotion(second, models, POLICY, journal).comparison
    assert again is not None
    assert not again.must_go, "who is gone is in both"


def test_the_dearer_model_is_taken_where_it_ranks_better() -> None:
    """What comes last is what came first: a chain of the step before cannot see that."""
    known = sessions_of(habits.step_set(habits.rows(second_order=True)).known)
    ladder = rungs.climb(known)
    assert (ladder.chosen, ladder.gain.low > 0) == (rungs.MIXTURE, True)
    assert rungs.Ladder.parse(json.loads(json.dumps(ladder.document()))) == ladder
    assert rungs.cheaper(ladder.chosen, known)[0] == rungs.CHAIN


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed here")
def test_without_pytorch_no_network_is_tried_and_the_journal_says_so() -> None:
    ladder = rungs.climb(sessions_of(habits.step_set(habits.rows()).known))
    assert (ladder.network, ladder.network_gain) == (None, None)
    assert "PyTorch (the extra `deep`) is not installed" in telling.selected(ladder)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no network is compared")
def test_a_network_is_taken_where_the_counts_do_not_reach() -> None:
    """What comes last is what came first, eight steps before: further back than the mixture looks."""
    rows = habits.rows(300)
    draw = np.random.default_rng(3)
    begun = [draw.choice(["open", "edit", "share"]) for _ in range(len(rows))]
    steps = [" > ".join([first, *draw.choice(["view", "scroll"], 8), first]) for first in begun]
    known = sessions_of(habits.step_set(rows.assign(steps=steps)).known)
    ladder = rungs.climb(known)
    assert ladder.chosen == rungs.NETWORK, ladder
    assert rungs.Ladder.parse(json.loads(json.dumps(ladder.document()))) == ladder
    assert rungs.cheaper(ladder.chosen, known)[0] == rungs.MIXTURE
    assert "A recurrent network has" in telling.selected(ladder)


def test_the_attack_finds_what_counts_of_single_people_give_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that only their owner has: suppressed they tell nothing, counted from one person on they do."""
    own = habits.rows(60)
    steps = [f"open > of_{row.subject} > write_{row.subject} > close" for row in own.itertuples()]
    known = sessions_of(habits.step_set(own.assign(steps=steps)).known)
    safe = giving_away.membership(known, rungs.CHAIN)
    assert safe is not None
    assert safe.auc < POLICY.max_membership_auc
    monkeypatch.setattr("ml.next_action.rungs.MarkovChain", chain_of_one)
    leaking = giving_away.membership(known, rungs.CHAIN)
    assert leaking is not None
    assert leaking.auc > 0.9


def chain_of_one() -> object:
    from ml.families.next_step import MarkovChain

    return MarkovChain(k_people=1)


def test_an_erasure_taints_the_versions_that_saw_the_person_alone(
    good: Fitted, models: Registry, registry: Registry, database: Database, tmp_path: Path
) -> None:
    versions.register(registry, tmp_path)
    registry.note(1, {"lethe.training_set_id": "churn-a"})
    rows = habits.rows()
    without = habits.step_set(rows[rows["subject"] != "u_0007"])
    for made in (good.training_set, without):
        recorded(replace(good, training_set=made), models)
        with database.connect("ml") as conn:
            store(conn, made, set(made.known["subject"]) | set(made.later["subject"]), provenance())
    index = Taint(database, (registry, models), provenance().blinding_key)
    (fact,) = index.taint(index.members(["u_0007"]), cause="erasure-1", now=AT)
    assert (fact["model"], fact["version"]) == (MODEL, 1)
    assert [TAINTED in tags for tags in models.versions().values()] == [True, False]
    assert TAINTED not in registry.versions()[1]
    both = index.taint(index.members(["u_0008"]), cause="erasure-2", now=AT)
    assert [(item["model"], item["version"]) for item in both] == [(MODEL, 1), (MODEL, 2)]
    assert index.members(["u_nobody"]) == {}
