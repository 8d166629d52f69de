"""Exactly those versions are marked that learnt from a person; the index alone tells nobody who that was."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from ml.registry import Registry
from ml.taint import (
    DEADLINE,
    TAINTED,
    TRAINING_SET,
    OverdueModelError,
    Taint,
    UntraceableVersionError,
    members,
    needs_retraining,
    overdue,
    require_current,
    taint,
    tainted,
)
from ml.training import Candidate
from ml.training_sets import blind, set_key
from tests.ml.synthetic import AT
from warehouse.database import Database

KEY = b"k" * 32
N_SETS, N_PEOPLE = 100, 100


def write_sets(database: Database, membership: dict[str, list[str]]) -> None:
    with database.connect("ml") as conn:
        for name, tokens in membership.items():
            conn.execute("insert into ml.training_sets values (%s, 'd', '{}', 1, 1, %s)", (name, AT))
            with conn.cursor().copy("copy ml.training_subjects from stdin") as copy:
                for member in blind(tokens, set_key(KEY, name)):
                    copy.write_row((name, member))


def test_the_index_equals_brute_force_on_ten_thousand_pairs(database: Database) -> None:
    source = random.Random(7)  # noqa: S311
    people = [f"u_{n:032x}" for n in range(N_PEOPLE)]
    truth = {f"churn-{n:03}": source.sample(people, source.randint(0, N_PEOPLE)) for n in range(N_SETS)}
    write_sets(database, truth)
    with database.connect("erasure") as conn:
        for person in people:
            found = members(conn, [person], KEY)
            assert set(found) == {name for name, tokens in truth.items() if person in tokens}
            assert all(len(rows) == 1 for rows in found.values())
        both = members(conn, people[:2], KEY)
    assert {n: len(rows) for n, rows in both.items()} == {
        n: len(set(tokens) & set(people[:2])) for n, tokens in truth.items() if set(tokens) & set(people[:2])
    }


def test_the_index_without_its_key_tells_nothing(database: Database) -> None:
    write_sets(database, {"churn-a": ["u_1"], "churn-b": ["u_1"]})
    with database.connect("erasure") as conn:
        assert members(conn, ["u_1"], b"x" * 32) == {}
        rows = conn.execute("select distinct blinded_subject from ml.training_subjects").fetchall()
    assert len(rows) == 2  # nobody can be followed from one set to another


@pytest.mark.integration
def test_only_the_versions_of_the_set_are_marked(candidate: Candidate, registry: Registry) -> None:
    name = candidate.training_set.training_set_id
    assert taint(registry, ["churn-of-others"], cause="erasure-1", now=AT) == []
    assert taint(registry, [], cause="erasure-1", now=AT) == []
    assert tainted(registry) == []
    (marked,) = taint(registry, [name, "churn-of-others"], cause="erasure-1", now=AT)
    assert (marked.version, marked.training_set, marked.retrain_by) == (candidate.version, name, AT + DEADLINE)
    assert registry.versions()[candidate.version][TAINTED] == "erasure-1"
    (again,) = taint(registry, [name], cause="erasure-2", now=AT + timedelta(days=3))
    assert again.retrain_by == AT + DEADLINE
    assert json.dumps(marked.fact())


@pytest.mark.integration
def test_a_version_that_leads_to_no_training_set_stops_an_erasure(candidate: Candidate, registry: Registry) -> None:
    registry._client.delete_model_version_tag(registry.name, str(candidate.version), TRAINING_SET)
    with pytest.raises(UntraceableVersionError, match="nobody can tell from whom"):
        taint(registry, [], cause="erasure-1", now=AT)


@pytest.mark.integration
def test_a_marked_champion_serves_until_its_deadline(candidate: Candidate, registry: Registry) -> None:
    registry.promote(candidate.version)
    assert needs_retraining(registry) is None
    taint(registry, [candidate.training_set.training_set_id], cause="erasure-1", now=AT)
    found = needs_retraining(registry)
    assert found is not None
    assert found.version == candidate.version
    require_current(registry, candidate.version, AT + DEADLINE - timedelta(seconds=1))
    assert overdue(registry, AT) == []
    with pytest.raises(OverdueModelError, match="learnt from somebody"):
        require_current(registry, candidate.version, AT + DEADLINE)


@pytest.mark.integration
def test_an_erasure_asks_the_index_and_marks(candidate: Candidate, registry: Registry, database: Database) -> None:
    name = candidate.training_set.training_set_id
    write_sets(database, {name: ["u_1"], "churn-other": ["u_2"]})
    models = Taint(database, (registry,), KEY)
    assert set(models.members(["u_1"])) == {name}
    (fact,) = models.taint(models.members(["u_1"]), cause="erasure-1", now=AT)
    assert fact["version"] == candidate.version
    assert models.taint(models.members(["u_2"]), cause="erasure-2", now=AT) == []
