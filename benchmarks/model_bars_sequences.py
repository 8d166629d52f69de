"""Next pages, next vendors and projects, and returns on data that others made, beside baselines, with 95 % intervals.

python -m benchmarks.model_bars_sequences [FOLDER] [--only PART ...]; prints one JSON object. Nothing is chosen on rows
that are tested; all items are ranked, and a tie counts as an error.

- bms, fifa: as in the published evaluation of next-page predictors (github.com/tedgueniche/IPredict; CPT+, PAKDD 2015):
  the first MOST sessions of SHORTEST pages or more, the last page of each from the WINDOW pages before it. A fifth of
  them, on which the model was designed, is never tested: it learns, and chooses order and reach. Of the rest each of
  FOLDS folds is tested once by models of all other sessions, and setting chosen on the fifth without the tested fold.
  A session that is one page over and over (FIFA) asks nothing and is left out.
  The mixture's weights are learned on last pages, as it is last pages that are asked; beside it, on all pages, which is
  what a model that is not told can do. Baseline: a Markov chain.
  Longest match: all-k-order Markov of up to WINDOW pages (published: AKOM), to see how near this protocol is to theirs.
  A session counts as a person, as the data do not say whose it is; the model keeps what K_PEOPLE sessions share, the
  baselines everything. every: all next pages of the first tested fold, with weights learned on all pages;
  benchmarks/model_bars_networks.py asks the same of a GRU and an LSTM.
- vendors: reviewers' first reviews of a vendor new to them, those reviewed before left out, from the set of these.
  Likeness and factors learn from people of two vendors or more, popularity from all.
  Visits are parted by time: before VALIDATE of them learn, up to TEST choose settings, the others test models that
  learned from all before. Baseline: popularity. Intervals over people.
- projects: the same on git projects, and the next project by sequence; settings as they are by default, since too few
  people have a second project to choose any. No bar: it shows what can be said.
- returns: hours from a session (30-minute gap) on git projects to the next, at most 28 days, of sessions from TEST_FROM
  on; learned from sessions whose 28 days ended before it. Baseline: the person's own median so far. Over people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bar_figures import BarFigure, Parts, report, row
from benchmarks.sequence_data import activity, asked_between, learned_from, pages, reviews, sessions, visits
from ml import ranks
from ml.families import step_tables
from ml.families.behaviour import Questions, StepModel, places_of, questions
from ml.families.next_step import MarkovChain, NextStep
from ml.families.recommendation import ImplicitFactors, ItemToItem, Popularity, used
from ml.families.result import mean_of, paired
from ml.families.step_tables import Steps, places_in
from ml.families.timing import LONGEST_HOURS, MedianGap, ReturnTime, returns
from ml.intervals import Codes, Floats

MOST, SHORTEST, WINDOW, FOLDS, SEED = 5_000, 6, 5, 10, 1
SETTINGS = ((2, 5), (3, 10), (3, 20))
PUBLISHED = {"BMS": (0.3825, "published CPT+ .3825, AKOM .3126"), "FIFA": (0.3594, "published CPT+ .3594, AKOM .2588")}
VALIDATE, TEST = 0.8, 0.9
TEST_FROM, END = "2023-01-01", "9999"
NAMES = {"hr_1": "accuracy", "hr_5": "HR@5", "ndcg_10": "NDCG@10", "mrr": "MRR"}
RECOMMENDERS: dict[str, Callable[[], Any]] = {
    "item to item": ItemToItem,
    "factors": ImplicitFactors,
    **{f"item to item, tilt {t}, shrink {s:g}": partial(ItemToItem, t, s)
       for t, s in product((0.25, 0.5, 0.75), (10.0, 50.0))},
    **{f"factors, {w} wide, trust {t:g}": partial(ImplicitFactors, w, t)
       for w, t in product((8, 16, 32), (1.0, 10.0))},
}  # fmt: skip
Units = np.ndarray[Any, np.dtype[np.object_]]


class LongestMatch:
    """All-k-order Markov (Pitkow & Pirolli, USITS 1999): counts after the longest known context, all of them kept."""

    def __init__(self, order: int = WINDOW) -> None:
        self.order = order

    def fit(self, sequences: Sequence[Steps]) -> LongestMatch:
        self.names_ = step_tables.shared_steps(sequences, None, 1)
        log = step_tables.moments(sequences, self.names_, self.order)
        self.chain_ = step_tables.chain(log, len(self.names_), self.order, 1)
        self.times_ = np.bincount(log.targets, minlength=len(self.names_)) / len(log.targets)
        return self

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats:
        """Counts and not probabilities; shorter contexts decide between equals."""
        made = np.tile(self.times_, (len(begun), 1))
        lags = step_tables.last_steps(begun, self.names_, self.order)
        for table, rows in zip(
            self.chain_, step_tables.rows_by_order(self.chain_, lags, len(self.names_)), strict=True
        ):
            known = np.flatnonzero(rows >= 0)
            made[known] = step_tables.matrix(table, len(self.names_))[rows[known]].toarray() + 1e-4 * made[known]
        return made


Answers = tuple[Floats, Floats, Units]  # ours and the baseline's by row, and the units they are drawn by


def shares(name: str, answers: Answers, against: str, bar: float | None = None, note: str = "") -> list[BarFigure]:
    """Ours, the baseline, and the paired gain, as means of the same rows."""
    ours, theirs, units = answers
    strong, baseline, gain = paired(mean_of(ours, units), mean_of(theirs, units), len(np.unique(units.astype(str))))
    return [
        row(name, strong, "share", bar, note),
        row(f"{name}: {against}", baseline, "share"),
        row(f"{name}: gain", gain, "share", 0.0, "paired, same rows"),
    ]


def accuracy(model: StepModel, asked: Questions) -> float:
    return float(ranks.hits(places_of(model, asked), 1).mean())


def page_bars(folder: Path, name: str) -> list[BarFigure]:
    found = pages(folder, name, SHORTEST)[:MOST]
    mixed = np.random.default_rng(SEED).permutation(len(found))
    design, rest = mixed[: len(found) // 5], mixed[len(found) // 5 :]
    folds = np.array_split(rest, FOLDS)
    parts = [page_fold(found, design, folds, at) for at in range(FOLDS)]
    places = {
        kind: np.concatenate([part[kind] for part, _ in parts]) for kind in ("ours", "untold", "chain", "longest")
    }
    units = np.arange(len(places["ours"])).astype(object)
    bar, published = PUBLISHED[name]
    note = f"{published}; {len(units):,} sessions; order, reach {sorted({setting for _, setting in parts})}"
    rows = []
    for measure in ("hr_1", "ndcg_10", "mrr"):
        mine, chains = (ranks.measures(places[kind])[measure] for kind in ("ours", "chain"))
        bars = (bar, note) if measure == "hr_1" else (None, "")
        rows += shares(f"last page, {name}, {NAMES[measure]}", (mine, chains, units), "Markov chain", *bars)
    for kind, what in (("untold", "weights of all pages"), ("longest", "longest match")):
        beside = ranks.figures(places[kind], units)["hr_1"]
        rows.append(row(f"last page, {name}, accuracy: {what}", beside, "share"))
    return [*rows, *every_page(found, design, folds, name)]


def page_fold(
    found: list[list[str]], design: Codes, folds: list[Codes], at: int
) -> tuple[dict[str, Codes], tuple[int, int]]:
    """Places of the last pages of one fold's sessions by each model, and the order and reach chosen for it."""
    others = sequences(found, [part for place, part in enumerate(folds) if place != at])
    chosen, asked = (last_pages(found, part) for part in (design, folds[at]))
    by_setting = {setting: accuracy(last_model(setting).fit(others), chosen) for setting in SETTINGS}
    setting = max(SETTINGS, key=lambda setting: by_setting[setting])
    models = {
        "ours": last_model(setting), "untold": NextStep(setting[0], WINDOW, setting[1]),
        "chain": MarkovChain(k_people=1), "longest": LongestMatch(),
    }  # fmt: skip
    train = [*others, *sequences(found, [design])]
    return {kind: places_of(model.fit(train), asked) for kind, model in models.items()}, setting


def last_model(setting: tuple[int, int]) -> NextStep:
    order, reach = setting
    return NextStep(order, WINDOW, reach, asked="last")


def sequences(found: list[list[str]], parts: Sequence[Codes]) -> list[list[str]]:
    return [found[session] for part in parts for session in part]


def every_page(found: list[list[str]], design: Codes, folds: list[Codes], name: str) -> list[BarFigure]:
    """All next pages of the first fold's sessions, settings as they are by default."""
    train, asked = sequences(found, [design, *folds[1:]]), questions(sequences(found, folds[:1]))
    ours, theirs = (
        ranks.measures(places_of(model.fit(train), asked)) for model in (NextStep(), MarkovChain(k_people=1))
    )
    note = f"{len(asked.wanted):,} pages of {len(folds[0])} sessions"
    return [
        found
        for measure in ("hr_1", "ndcg_10")
        for found in shares(
            f"every page, {name}, {NAMES[measure]}", (ours[measure], theirs[measure], asked.units), "Markov chain",
            None, note,
        )
    ]  # fmt: skip


def last_pages(found: list[list[str]], which: Codes) -> Questions:
    """The last page of each session after the WINDOW pages before it."""
    return questions([found[session][-WINDOW - 1 :] for session in which], last_only=True)


def next_vendors(folder: Path) -> list[BarFigure]:
    people = visits(reviews(folder))
    moments = sorted(visit.at for came in people.values() for visit in came)
    validate_from, test_from = (moments[int(share * len(moments))] for share in (VALIDATE, TEST))
    known = of_several(learned_from(people, validate_from)[0])
    chosen = asked_between(people, validate_from, test_from, only_new=True)
    found = {name: gain_of(set_places(make().fit(known), chosen)) for name, make in RECOMMENDERS.items()}
    best = [max((n for n in found if f"{kind}," in n), key=lambda n: found[n]) for kind in ("item to item", "factors")]
    known, asked = learned_from(people, test_from)[0], asked_between(people, test_from, END, only_new=True)
    return recommended("next vendor", known, asked, best)


def recommended(what: str, known: list[Steps], asked: Questions, names: Sequence[str]) -> list[BarFigure]:
    """The named recommenders beside popularity on the same questions."""
    base = ranks.measures(set_places(Popularity().fit(known), asked))
    rows = []
    for name in names:
        model = RECOMMENDERS[name]().fit(of_several(known))
        ours = ranks.measures(set_places(model, asked))
        covered = ranks.coverage(model.scores(asked.begun), 10)
        note = f"{len(asked.wanted):,} first visits, {len(set(asked.units)):,} people; {name}; covers {covered:.0%}"
        rows += measured(f"{what}, {name.split(',')[0]}", (ours, base, asked.units), "popularity", note)
    return rows


def of_several(known: list[Steps]) -> list[Steps]:
    """Sets of two items and more: others say nothing of what goes with what."""
    return [items for items in known if len(set(items)) > 1]


def next_projects(folder: Path) -> list[BarFigure]:
    people = visits(activity(folder))
    known, owners = learned_from(people, TEST_FROM)
    asked = asked_between(people, TEST_FROM, END, only_new=False)
    models = (NextStep().fit(known, people=owners), MarkovChain(k_people=1).fit(known, people=owners))
    ours, theirs = (ranks.measures(project_places(one, asked)) for one in models)
    n_two = sum(len({visit.item for visit in came}) > 1 for came in people.values())
    note = f"{len(asked.wanted)} visits, {len(set(asked.units))} people; {n_two} of {len(people):,} have two projects"
    new = asked_between(people, TEST_FROM, END, only_new=True)
    rows = measured("next project", (ours, theirs, asked.units), "Markov chain", note)
    return [*rows, *recommended("new project", known, new, ("item to item", "factors"))]


def measured(name: str, answers: tuple[Any, Any, Units], against: str, note: str) -> list[BarFigure]:
    """HR@5, NDCG@10 and MRR of ours and the baseline's measures."""
    ours, theirs, units = answers
    return [
        found
        for measure in ("hr_5", "ndcg_10", "mrr")
        for found in shares(f"{name}, {NAMES[measure]}", (ours[measure], theirs[measure], units), against, None, note)
    ]


def gain_of(places: Codes) -> float:
    return float(ranks.gains(places, 10).mean())


def project_places(model: StepModel, asked: Questions) -> Codes:
    """Places of the next projects, the present one left out."""
    present = used([steps[-1:] for steps in asked.begun], model.names_).toarray() > 0
    wanted = places_in(model.names_, np.array(asked.wanted, dtype=str))
    return ranks.places(model.log_probabilities(asked.begun), wanted, present)


def set_places(model: Any, asked: Questions) -> Codes:
    """Places of the new projects, all that were visited before left out."""
    seen = used(asked.begun, model.names_).toarray() > 0
    return ranks.places(model.scores(asked.begun), places_in(model.names_, np.array(asked.wanted, dtype=str)), seen)


def return_bars(folder: Path) -> list[BarFigure]:
    came = sessions(activity(folder))
    rows = returns(came["person"].to_numpy(object), came["started_at"].to_numpy())
    border = np.datetime64(TEST_FROM)
    train = rows[rows["started_at"] <= border - np.timedelta64(int(LONGEST_HOURS), "h")]
    test = rows[rows["started_at"] >= border]
    hours, units = train["hours"].to_numpy(), test["person"].to_numpy(object)
    errors = [
        np.abs(model.fit(train, hours).predict(test) - test["hours"].to_numpy())
        for model in (ReturnTime(), MedianGap())
    ]
    n_people = len(np.unique(units))
    ours, theirs, gain = paired(mean_of(errors[0], units), mean_of(errors[1], units), n_people)
    note = f"{len(test):,} sessions, {n_people:,} people; mean {test['hours'].mean():.0f} h"
    return [
        replace(row("hours to the next session, error", ours, "h, mean absolute", theirs.value, note), at_most=True),
        row("hours to the next session, error: own median", theirs, "h, mean absolute"),
        replace(row("hours to the next session, error: gain", gain, "h", 0.0, "paired, same rows"), at_most=True),
    ]


PARTS: Parts = {
    "bms": (partial(page_bars, name="BMS"),),
    "fifa": (partial(page_bars, name="FIFA"),),
    "vendors": (next_vendors,),
    "projects": (next_projects,),
    "returns": (return_bars,),
}


if __name__ == "__main__":
    report(PARTS, __doc__)
