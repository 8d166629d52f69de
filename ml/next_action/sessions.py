"""Training sets of sessions: which are learned from, which later ones are asked about, and the manifest of both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.training_sets import FIRST_MONDAY, Provenance, TooLittleHistoryError, digest_of, origin, store

if TYPE_CHECKING:
    import psycopg

MODEL = "next_action"
PURPOSE = "model_training"  # of ftr_user_sequences: its dbt model states it
SOURCE = "features.ftr_user_sequences"
BETWEEN = " > "  # as in sessions.ses_sessions; no action holds it
ENTITY = "a session of a person: the steps taken in it, a step that is repeated at once counted once"
LABEL = "the next step of the session, asked after every step but the last"
HORIZON = "the rest of the session"
QUERY = f"""
with bots as (select distinct subject from features.ftr_user_weekly where is_bot)
select s.subject, s.session_started_at, min(s.started_on), min(s.known_on),
    string_agg(s.action, '{BETWEEN}' order by s.step_no), b.subject is not null
from {SOURCE} s left join bots b using (subject)
where s.started_on >= %(learn_from)s and s.known_on < %(cutoff_on)s
group by s.subject, s.session_started_at, b.subject
order by s.subject collate "C", s.session_started_at
"""
COLUMNS = ("subject", "session_started_at", "started_on", "known_on", "steps", "is_bot")


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """Which sessions count: those known before cutoff_on. The last test_days, at most a quarter, are asked about.

    cutoff_on None: the newest Monday that all sessions of the week before are known by, so that a set lasts a week.
    most_sessions and most_asked: whole people are left out of a larger log, chosen by their pseudonym alone.
    fewest_people, fewest_asked: of later sessions; with less, nothing could be judged.
    """

    cutoff_on: date | None = None
    learn_days: int = 180
    test_days: int = 28
    most_sessions: int = 20_000
    most_asked: int = 4_000
    fewest_people: int = 50
    fewest_asked: int = 500
    exclude_bots: bool = True


@dataclass(frozen=True, slots=True)
class StepSet:
    """A frozen set of sessions with its manifest: rows (subject, session_started_at, steps) to learn from, and later.

    steps is a tuple a session. digest covers rows and policy.
    """

    training_set_id: str
    digest: str
    policy: StepPolicy
    known: pd.DataFrame
    later: pd.DataFrame
    manifest: Mapping[str, Any]


def build_step_set(conn: psycopg.Connection[Any], policy: StepPolicy, provenance: Provenance) -> StepSet:
    """Fetch the sessions, split them, store the manifest and the blinded subjects (one transaction, idempotent).

    The policy of an old manifest (`policy_of`) gives the same set again, whatever came later, unless its rows changed.
    Raises TooLittleHistoryError.
    """
    dated = policy if policy.cutoff_on else replace(policy, cutoff_on=newest_cutoff(conn))
    made = freeze(fetch(conn, dated), dated, provenance)
    store(conn, made, set(made.known["subject"]) | set(made.later["subject"]), provenance)
    return made


def policy_of(manifest: Mapping[str, Any]) -> StepPolicy:
    """The policy that a manifest states."""
    stated = dict(manifest["policy"])
    return StepPolicy(**stated | {"cutoff_on": date.fromisoformat(stated["cutoff_on"])})


def newest_cutoff(conn: psycopg.Connection[Any]) -> date:
    """The Monday on or before the day after the newest session. Raises TooLittleHistoryError without a session."""
    built = conn.execute("select to_regclass(%s)", [SOURCE]).fetchone()
    if built is None or built[0] is None:  # LETHE_DBT_SELECT may leave it out
        raise TooLittleHistoryError(f"{SOURCE} is not built; select it for dbt to learn next steps")
    row = conn.execute(f"select max(known_on) from {SOURCE}".encode()).fetchone()
    if row is None or row[0] is None:
        raise TooLittleHistoryError(f"{SOURCE} is empty: nobody who agreed to model training has a session")
    ended: date = row[0] + timedelta(days=1)
    return ended - timedelta(days=(ended - FIRST_MONDAY).days % 7)


def fetch(conn: psycopg.Connection[Any], policy: StepPolicy) -> pd.DataFrame:
    """Sessions known before the policy's cutoff, by person and time, as COLUMNS; steps as text."""
    window = {"cutoff_on": policy.cutoff_on, "learn_from": _cutoff(policy) - timedelta(days=_reach(policy))}
    return pd.DataFrame(conn.execute(QUERY.encode(), window).fetchall(), columns=list(COLUMNS))


def freeze(rows: pd.DataFrame, policy: StepPolicy, provenance: Provenance) -> StepSet:
    """Rows of `fetch` as a set; pure. Shuffled rows give the same set. Raises TooLittleHistoryError."""
    rows = rows.sort_values(["subject", "session_started_at"], kind="stable", ignore_index=True)
    people = rows[~rows["is_bot"].to_numpy(bool)] if policy.exclude_bots else rows
    test_from = first_test_day(people, policy)
    before, after = people[people["known_on"] < test_from], people[people["started_on"] >= test_from]
    known, later = _steps_of(thinned(before, policy.most_sessions)), _steps_of(thinned(after, policy.most_asked))
    _require_enough(known, later, policy)
    counts = {
        "train": len(known), "test": len(later), "bots": len(rows) - len(people),
        "purged": len(people) - len(before) - len(after), "thinned": len(before) + len(after) - len(known) - len(later),
    }  # fmt: skip
    contents = _manifest(known, later, policy, test_from, counts) | origin(provenance)
    digest = digest_of({key: contents[key] for key in ("dataset_digest", "policy", "entity", "label")})
    return StepSet(f"{MODEL}-{digest[:16]}", digest, policy, known, later, contents)


def first_test_day(rows: pd.DataFrame, policy: StepPolicy) -> date:
    """From which day on sessions are asked about: test_days before the cutoff, and at most a quarter of the history."""
    if rows.empty:
        raise TooLittleHistoryError(f"no session of a person is known by {policy.cutoff_on}; import more history")
    n_days = (_cutoff(policy) - min(rows["started_on"])).days
    return _cutoff(policy) - timedelta(days=max(1, min(policy.test_days, n_days // 4)))


def thinned(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The sessions of as many people as make at most `most` of them, in the order of a hash of their pseudonyms."""
    sizes = rows["subject"].value_counts()
    order = sorted(sizes.index, key=lambda subject: hashlib.sha256(str(subject).encode()).digest())
    kept = sizes.loc[order].cumsum().le(most)
    return rows[rows["subject"].isin(set(kept.index[kept.to_numpy(bool)]))]


def dataset_digest(*parts: pd.DataFrame) -> str:
    """SHA-256 over the sessions of each part, in order: subject, start and steps."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(f"{len(part)}\n".encode())
        for subject, started_at, steps in part[["subject", "session_started_at", "steps"]].itertuples(index=False):
            hasher.update(f"{subject}\0{started_at.isoformat()}\0{BETWEEN.join(steps)}\n".encode())
    return hasher.hexdigest()


def n_asked(sessions: pd.DataFrame) -> int:
    """How many next steps are asked about."""
    return int(sum(len(steps) - 1 for steps in sessions["steps"]))


def _steps_of(rows: pd.DataFrame) -> pd.DataFrame:
    told = [tuple(step for step, _ in groupby(text.split(BETWEEN))) for text in rows["steps"]]
    found = rows[["subject", "session_started_at"]].reset_index(drop=True)
    return found.assign(steps=pd.Series(told, dtype=object))


def _require_enough(known: pd.DataFrame, later: pd.DataFrame, policy: StepPolicy) -> None:
    asked = later[[len(steps) > 1 for steps in later["steps"]]]
    n_people, n_steps = asked["subject"].nunique(), n_asked(asked)
    if known.empty or n_people < policy.fewest_people or n_steps < policy.fewest_asked:
        raise TooLittleHistoryError(
            f"{len(known)} sessions to learn from, and {n_steps} later steps of {n_people} people to be judged on; "
            f"at least {policy.fewest_asked} steps of {policy.fewest_people} people are needed: import a longer history"
        )


def _manifest(
    known: pd.DataFrame, later: pd.DataFrame, policy: StepPolicy, test_from: date, counts: Mapping[str, int]
) -> dict[str, Any]:
    """What the set is made of, without a single value of a row."""
    return {
        "model": MODEL,
        "entity": ENTITY,
        "query": " ".join(QUERY.split()),
        "label": LABEL,
        "horizon": HORIZON,
        "purposes": [PURPOSE],
        "feature_sets": [SOURCE],
        "cutoffs": {
            "learn_from": (_cutoff(policy) - timedelta(days=_reach(policy))).isoformat(),
            "test_from": test_from.isoformat(),
            "cutoff_on": _cutoff(policy).isoformat(),
        },
        "policy": asdict(policy) | {"cutoff_on": _cutoff(policy).isoformat()},
        "n_rows": dict(counts),
        "n_asked": n_asked(later),
        "n_subjects": len(set(known["subject"]) | set(later["subject"])),
        "dataset_digest": dataset_digest(known, later),
    }


def _reach(policy: StepPolicy) -> int:
    return policy.learn_days + policy.test_days


def _cutoff(policy: StepPolicy) -> date:
    if policy.cutoff_on is None:
        raise ValueError("the policy names no cutoff_on; build_step_set finds the newest")
    return policy.cutoff_on
