"""What is recommended: the likeliest next steps of each person's newest session, and nothing where nothing may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ml.next_action import recommendations, rungs
from ml.next_action.measures import sessions_of, step_model
from ml.next_action.recommendations import NEVER, Recommended, refresh, told
from ml.next_action.sessions import MODEL
from ml.registry import Registry
from ml.taint import DEADLINE, RETRAIN_BY, TAINTED
from tests.ml import versions
from tests.ml.next_action import habits
from warehouse.database import Database

AT = datetime(2024, 4, 1, tzinfo=UTC)


def test_neither_the_last_step_nor_what_happens_to_a_person_is_recommended() -> None:
    rows = habits.rows(60)
    known = sessions_of(habits.step_set(rows.assign(steps=rows["steps"] + " > error > open")).known)
    model = step_model(rungs.learn(rungs.MIXTURE, known))
    assert "error" in model.names_
    begun = [[name] for name in model.names_]
    made = told(model, [f"of {name}" for name in model.names_], begun)
    assert len(made) == 3 * len(begun)
    assert all(subject != f"of {step}" and step not in NEVER for subject, _, step, _ in made)
    scores = {(subject, place): score for subject, place, _, score in made}
    assert all(1 > scores[s, p] >= scores[s, p + 1] > 0 for s, p in scores if p < 3)
    assert ("of open", 1, "read") in {row[:3] for row in made}


@pytest.mark.integration
def test_rows_are_replaced_and_taken_away_with_the_champion(
    database: Database, registry: Registry, tmp_path: Any
) -> None:
    rows = habits.rows(60)
    habits.store(database, rows)
    models = registry.of(MODEL)
    pipeline = rungs.learn(rungs.CHAIN, sessions_of(habits.step_set(rows).known))
    with database.connect("ml") as conn:

        def stored() -> list[Any]:
            return conn.execute(
                "select subject, count(*), array_agg(place order by place), max(score), min(purpose),"
                " min(consent_basis), min(model_version) from ml.recommendations group by 1 order by 1"
            ).fetchall()

        def ask(at: datetime = AT) -> Recommended | str:
            return refresh(conn, models, at=at, consent_basis="2:7")

        assert "has no champion" in str(ask())
        models.promote(versions.register(models, tmp_path, pipeline))
        for _ in range(2):
            made = ask()
        assert isinstance(made, Recommended)
        found = stored()
        assert (made.n_people, made.n_rows) == (len(found), 3 * len(found))
        assert "u_0059" not in {row[0] for row in found}, "a bot"
        assert len(found) == 59
        assert all(row[1:3] == (3, [1, 2, 3]) and 0 < row[3] < 1 for row in found)
        assert {row[4:] for row in found} == {("model_training", "2:7", 1)}
        assert all(int(line.split("|")[2].replace(",", "")) >= 5 for line in made.table().splitlines()[2:])
        models.note(1, {TAINTED: "erasure-1", RETRAIN_BY: (AT + DEADLINE).isoformat()})
        assert isinstance(ask(AT + DEADLINE - timedelta(seconds=1)), Recommended)
        assert "learnt from somebody" in str(ask(AT + DEADLINE))
        assert stored() == []


@pytest.mark.integration
def test_who_was_not_there_for_four_weeks_is_told_nothing(database: Database) -> None:
    rows = habits.rows(60)
    gone = (rows["subject"] == "u_0003") & (rows["started_on"] > habits.FIRST + timedelta(days=40))
    habits.store(database, rows[~gone])
    with database.connect("ml") as conn:
        newest = recommendations.newest_day(conn)
        assert newest is not None
        subjects, begun = recommendations.fetch(conn, newest)
    assert "u_0003" not in subjects
    assert len(subjects) == len(begun) == 58
    newest_of = rows.sort_values("session_started_at").groupby("subject")["steps"].last()
    plain = newest_of[subjects[5]].split(" > ")
    assert list(begun[5]) == [step for at, step in enumerate(plain) if at == 0 or step != plain[at - 1]]
