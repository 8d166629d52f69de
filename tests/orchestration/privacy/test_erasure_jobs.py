"""Erasures in Dagster, run: what stopped goes on, a withdrawal marks what learnt from it, the overdue serve nobody."""

from __future__ import annotations

import dagster as dg
import pytest

from ml.journal import Journal
from ml.predictions import NothingPendingError
from ml.taint import DEADLINE, OverdueModelError, tainted
from ml.training import train_candidate
from ml.training_sets import blind, set_key
from orchestration import cli, monitoring, training
from orchestration.platform import Platform, PlatformResource, platform_of
from orchestration.privacy.erasure_jobs import erasure_job, stopped_erasures
from privacy.erasure.keys import SubjectKeys
from tests.ml import synthetic

pytestmark = [pytest.mark.integration, pytest.mark.once]
WITHDRAWN, STAYED = "user-ada", "user-bob"


def learn(opened: Platform) -> int:
    """A champion that learnt from WITHDRAWN; STAYED is in a set of which there is no version."""
    small_set = synthetic.training_set(synthetic.frame(400, 8))
    with Journal(opened.home / "logs", now=opened.settings.now) as journal:
        version = train_candidate(small_set, opened.registry, journal, lambda _: None).version
    opened.registry.promote(version)
    key = opened.vault.purpose_key("training_subjects")
    with opened.database.connect("ml") as conn:
        for name, user in ((small_set.training_set_id, WITHDRAWN), ("churn-other", STAYED)):
            tokens = SubjectKeys.of([user], opened.vault).tokens
            conn.execute("insert into ml.training_sets values (%s, 'd', '{}', 1, 1, now())", (name,))
            for member in blind(list(tokens), set_key(key, name)):
                conn.execute("insert into ml.training_subjects values (%s, %s)", (name, member))
    return version


def tick(platform: PlatformResource) -> object:
    return stopped_erasures(dg.build_sensor_context(resources={"platform": platform}))


def test_a_withdrawal_marks_the_champion_and_stops_it_at_its_deadline(
    platform: PlatformResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = platform.open()
    version = learn(opened)
    assert isinstance(tick(platform), dg.SkipReason)
    said = ("model_training", "--reason", "their wish", "--by", "ana", "--home", platform.home)
    assert cli.main(["privacy", "consent", "grant", WITHDRAWN, *said]) == cli.DONE
    assert isinstance(tick(platform), dg.SkipReason)
    assert cli.main(["privacy", "consent", "withdraw", WITHDRAWN, *said]) == cli.DONE
    assert isinstance(tick(platform), dg.RunRequest)
    done = erasure_job.execute_in_process(resources={"platform": platform})
    assert done.success
    assert (done.output_for_node("go_on_with_erasures"), done.output_for_node("mark_withdrawn")) == (0, 1)
    assert [(found.version, found.cause) for found in tainted(opened.registry)] == [(version, "withdrawal")]
    assert f"version {version} of churn is tainted (withdrawal)" in str(monitoring.tainted(opened))
    with pytest.raises(NothingPendingError):  # until the deadline it would serve, had it scored anybody
        training.publish(opened)
    monkeypatch.setenv("LETHE_CLOCK", (opened.settings.now() + 2 * DEADLINE).isoformat())
    platform_of.cache_clear()
    with pytest.raises(OverdueModelError):
        training.publish(platform.open())
