"""Values planted in every field go through a whole run; none is below `raw`. Broken builds are caught."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.canary import stores
from tests.canary.forms import Planted
from tests.canary.homes import WatchedHome
from tests.canary.planting import plant
from tests.canary.search import Search, Searched
from tests.homes import make_home
from warehouse.database import ADMIN, Database

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.xdist_group("canary")]

N_EVENTS = 40_000
SEALED = {"ai/data/prompt", "ai/data/response"}  # under the person's own key from the import on
NOW = datetime(2026, 11, 20, 13, tzinfo=UTC)
# Stores that must not be empty, or the search proves nothing.
FILLED = (
    "table safe.pseudonymous_events",
    "table safe.anonymous_events",
    "table safe.text_embeddings",
    "table safe.exclusions",
    "table privacy.unknown_paths",
    "table aggregates.agg_user_day",
    "table sessions.ses_sessions",
    "table features.ftr_user_weekly",
    "table features.ftr_prompt_response_pairs",
    "table quality.gate_results",
    "table ml.predictions",
    "table ml.training_sets",
    "table mlflow.params",
    "table mlflow.model_versions",
    "table dagster.event_logs",
    "table dagster.snapshots.snapshot_body!zlib",
    "table privacy.privacy_requests",
    "table privacy.request_events",
    "table privacy.exports",
    "table privacy.access_log",
    "table privacy.breach_entries",
    "table privacy.erasures",
    "table privacy.erasure_targets",
    "table privacy.erased_consents",
    "table privacy.restatements",
    "table privacy.osint_findings",
    "table privacy.retention_runs",
    "table privacy.releases",
    "catalogue pg_stats",
    "output 0 run",
    "output 5 asked",
)
FILES = (
    "model.skops!",
    "MLmodel",
    ".png",
    "facts.json",
    "manifest.json",
    "dbt.log",
    "decisions-",
    ".err",
    "dagster.yaml",
    "breaches/1/authority.md",
    "breaches/1/subjects.json",
    "erasures/ledger.jsonl",
    "erasures/receipts/",
)


@dataclass(frozen=True, slots=True)
class Completed:
    """A home after its run and what people asked, what was found in it then, and what was found in `raw` before.

    leaving: who was anonymised, and who was erased.
    """

    watched: WatchedHome
    after_run: Searched
    raw: Searched
    leaving: list[str]

    @property
    def database(self) -> Database:
        return self.watched.home.database()


@pytest.fixture(scope="module")
def canary_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Completed]:
    """One run, searched right after it, before any test breaks something."""
    folder = tmp_path_factory.mktemp("canary")
    log = plant(folder, N_EVENTS)
    watched = WatchedHome(make_home(folder / "home"), log, Search(log.planted), folder / "surroundings")
    try:
        done = watched.run("run", str(log.events), "--mapping", str(log.mapping), "--json")
        assert done.code == 0, done.err[-2000:]
        for command in (("classify", "--json"), ("quarantine", "list"), ("status", "--json")):
            assert watched.run(*command).code == 0
        assert watched.run("mapping", "suggest", str(log.events)).code == 0
        raw = watched.search.over(stores.tables(watched.home.database(), ("raw",)))
        users = {p.token for p in log.stored if p.field == "user_id"}
        leaving, staying = others(watched)
        asked = watched.ask(min(users & bearers(watched)), leaving, staying)
        assert asked.code == 0, asked.err[-2000:]
        yield Completed(watched, watched.everything(), raw, leaving)
    finally:
        watched.home.remove()


def bearers(watched: WatchedHome) -> set[str]:
    """User ids of events that hold a planted e-mail address: a package of theirs holds planted values."""
    emails = [p.token for p in watched.log.stored if p.field == "profile/data/email"]
    with watched.home.database().connect(ADMIN) as conn:
        rows = conn.execute("select user_id from raw.system_logs where data ->> 'email' = any(%s)", (emails,))
        return {str(row[0]) for row in rows}


def others(watched: WatchedHome) -> tuple[list[str], list[str]]:
    """Two people and three more with events and features who bear no canary."""
    with watched.home.database().connect(ADMIN) as conn:
        query = "select user_id from raw.system_logs group by 1 having count(*) between 20 and 60 order by md5(user_id)"
        found = [str(row[0]) for row in conn.execute(query).fetchmany(5)]
    return found[:2], found[2:]


def test_who_was_anonymised_or_erased_is_in_no_byte(canary_home: Completed) -> None:
    """In the identified schemas neither; elsewhere no id is, theirs among them. Some events stay and lead to nobody."""
    search = Search([Planted(user, "who left") for user in canary_home.leaving])
    for place in (stores.tables(canary_home.database, stores.IDENTIFIED), stores.registers(canary_home.database)):
        found = search.over(place)
        assert not found.hits, found.report()
    assert {p.token for p in canary_home.watched.log.stored} >= set(canary_home.leaving)
    assert not canary_home.after_run.hits
    with canary_home.database.connect(ADMIN) as conn:
        shown = conn.execute("select count(*), count(distinct subject) from consent.served_notices").fetchone()
        unlinked = conn.execute(
            "select count(distinct subject) from safe.pseudonymous_events where starts_with(event_id, 'x_')"
        ).fetchone()
    assert (shown, unlinked) == ((2, 1), (1,))  # one person who stays, asked twice; one who stays as statistics


def test_what_people_are_given_is_the_one_place_that_holds_values(canary_home: Completed) -> None:
    """Packages, the receipt of consent and a breach's list of people; beside them nothing that the requests wrote."""
    given = found_in(canary_home, canary_home.watched.given)
    kept = found_in(canary_home, canary_home.watched.home.path / "exports")
    assert {"user_id", "profile/data/email"} <= kept.fields & given.fields
    assert {store.split("!")[0] for store in given.stores} == {
        f"file {name}" for name in ("consent.json", "findings.jsonl", "package.zip", "people.txt")
    }


def test_registers_that_name_people_hold_ids_and_nothing_else(canary_home: Completed) -> None:
    """They are the one exception below `raw`, each for a reason that is written down (tests/canary/stores.py)."""
    found = canary_home.watched.search.over(stores.registers(canary_home.database))
    assert found.fields == {"user_id"}, found.report()
    assert found.stores == {f"table {name}" for name in stores.REGISTERS}


def test_no_planted_value_is_below_raw(canary_home: Completed) -> None:
    assert not canary_home.after_run.hits, canary_home.after_run.report()


def test_every_value_came_into_raw_and_refused_records_are_sealed(canary_home: Completed) -> None:
    """Otherwise finding nothing further down would mean nothing."""
    log = canary_home.watched.log
    assert {planted.field for planted in log.stored} - SEALED <= canary_home.raw.fields
    assert not {planted.field for planted in log.refused} & canary_home.raw.fields
    summary = canary_home.watched.said["0 run " + str(log.events)].summary
    assert summary["events"]["quarantined"] == len(log.refused)
    assert summary["events"]["stored"] > N_EVENTS


def test_what_people_tell_an_assistant_is_sealed_in_raw_and_came_in(canary_home: Completed) -> None:
    import pyarrow as pa

    from privacy.vault import Vault
    from privacy.vault.texts import unseal_events
    from warehouse.arrow import read_table

    assert not SEALED & canary_home.raw.fields
    schema = pa.schema([(name, pa.string()) for name in ("event_type", "user_id", "data", "metadata", "client_info")])
    with canary_home.database.connect("privacy") as conn:
        query = f"select {', '.join(schema.names)} from raw.system_logs where event_type = 'ai'"
        events = read_table(conn, query, schema)
    opened = unseal_events(events, Vault.open(canary_home.watched.home.path / "vault"))
    texts = "\n".join(opened["data"].to_pylist()).encode()
    assert canary_home.watched.search.over([("opened", "raw.system_logs", texts)]).fields >= SEALED


def test_every_store_was_filled_and_searched(canary_home: Completed) -> None:
    sizes = canary_home.after_run.sizes
    for store in FILLED:
        assert sum(size for name, size in sizes.items() if name.startswith(store)) > 0, store
    for part in FILES:
        assert any(part in name and size for name, size in sizes.items() if name.startswith("file ")), part
    assert sum(canary_home.after_run.n_bytes.values()) > 20_000_000


def transform_again(completed: Completed, day: date, klass: str, kind: str) -> Searched:
    """Rule on what people search for, rewrite one day, and search the safe tables."""
    from privacy.classification import confirm
    from privacy.transform import transform_days
    from privacy.vault import Vault

    with completed.database.connect("privacy") as conn:
        confirm(conn, "ui", "/data/query", klass, kind, "steward", "a test", decided_at=NOW)
        transform_days(conn, [day], Vault.open(completed.watched.home.path / "vault"))
    return completed.watched.search.over(stores.tables(completed.database, ("safe",)))


@pytest.fixture
def planted_day(canary_home: Completed) -> date:
    """A day with a search query of a canary user."""
    with canary_home.database.connect(ADMIN) as conn:
        row = conn.execute(
            "select event_day from raw.system_logs where event_type = 'ui' and data ? 'query' and user_id = any(%s)",
            ([p.token for p in canary_home.watched.log.stored if p.field == "user_id"][:3],),
        ).fetchone()
    assert row
    found: date = row[0]
    return found


def test_a_path_wrongly_ruled_is_caught(canary_home: Completed, planted_day: date) -> None:
    """A steward rules that what people search for names nobody."""
    broken = transform_again(canary_home, planted_day, "non_personal", "category")
    mended = transform_again(canary_home, planted_day, "personal", "free_text")
    assert "ui/data/query" in broken.fields
    # Not in safe.anonymous_events: what one person searches for is not what five people alike did.
    assert {"table safe.pseudonymous_events"} <= broken.stores
    assert not mended.hits, mended.report()


def expect_emails(completed: Completed, result_format: dict[str, Any] | None) -> str:
    """A Great Expectations result as JSON: a failing expectation on what support tickets say."""
    import great_expectations as gx
    from great_expectations.validator.v1_validator import Validator

    from quality import validation

    # The default shows twenty of the values it did not expect. Planted ones come first: several users bear each. The
    # query cannot name them, because the result quotes it.
    query = (
        "select data #>> '{contact,email}' as email from raw.system_logs where event_type = 'support' and "
        "data #>> '{contact,email}' is not null order by count(*) over (partition by data #>> '{contact,email}') desc "
        "limit 20"
    )
    with (
        warnings.catch_warnings(),
        validation._quiet(),
        validation._datasource(completed.database.url("quality")) as source,
    ):
        warnings.simplefilter("ignore")
        rows = source.add_query_asset("tickets", query=query).add_batch_definition_whole_table("rows")
        suite = gx.ExpectationSuite(
            name="tickets",
            expectations=[
                gx.expectations.ExpectColumnValuesToMatchRegex(column="email", regex="^nobody$"),  # type: ignore[attr-defined]
            ],
        )
        chosen = {"result_format": result_format} if result_format else {}
        result = Validator(rows, **chosen).validate_expectation_suite(suite)
        return json.dumps(result.to_json_dict())  # type: ignore[no-untyped-call]


def test_great_expectations_at_its_default_verbosity_is_caught(canary_home: Completed, tmp_path: Path) -> None:
    from quality.validation import RESULT_FORMAT

    (tmp_path / "ours.json").write_text(expect_emails(canary_home, dict(RESULT_FORMAT)))
    assert not found_in(canary_home, tmp_path).hits
    (tmp_path / "default.json").write_text(expect_emails(canary_home, None))
    assert found_in(canary_home, tmp_path).stores == {"file default.json"}


def test_an_input_example_of_mlflow_is_caught(canary_home: Completed, tmp_path: Path) -> None:
    import_mlflow()
    import mlflow.sklearn
    import pandas as pd
    from sklearn.dummy import DummyClassifier

    rows = pd.DataFrame(profiles(canary_home), columns=["user_id", "email"])
    for name, example in (("without", None), ("with", rows)):
        model = DummyClassifier().fit(rows, [0, 1] * (len(rows) // 2) + [0] * (len(rows) % 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.sklearn.save_model(
                model, str(tmp_path / name), serialization_format="skops", input_example=example, pip_requirements=[]
            )
    found = found_in(canary_home, tmp_path)
    assert {"user_id", "profile/data/email"} <= found.fields
    assert all(store.startswith("file with/") for store in found.stores), found.report()


@pytest.mark.parametrize("saved_as", ["skops", "pickle", "joblib"])
def test_a_fitted_estimator_that_keeps_values_is_caught(canary_home: Completed, saved_as: str, tmp_path: Path) -> None:
    """A one-hot encoder keeps its categories, a nearest-neighbour model its training rows and classes."""
    import joblib
    import skops.io
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = profiles(canary_home)
    model = make_pipeline(OneHotEncoder(), KNeighborsClassifier(1))
    model.fit([[email] for _, email in rows], [user for user, _ in rows])
    path = tmp_path / "model"
    if saved_as == "skops":
        skops.io.dump(model, path)
    elif saved_as == "pickle":
        path.write_bytes(pickle.dumps(model))
    else:
        joblib.dump(model, path, compress=3)
    assert {"user_id", "profile/data/email"} <= found_in(canary_home, tmp_path).fields


def profiles(completed: Completed) -> list[tuple[str, str]]:
    """Raw rows as somebody might train on them."""
    with completed.database.connect(ADMIN) as conn:
        return [
            (str(user), str(email))
            for user, email in conn.execute(
                "select user_id, data ->> 'email' from raw.system_logs where event_type = 'profile' and data ? 'email' "
                "order by data ->> 'email' = %s desc limit 20",
                (planted_in(completed, "profile/data/email"),),
            )
        ]


def planted_in(completed: Completed, field: str) -> str:
    return next(planted.token for planted in completed.watched.log.stored if planted.field == field)


def found_in(completed: Completed, folder: Path) -> Searched:
    return completed.watched.search.over(stores.files(folder))


def import_mlflow() -> None:
    from ml.registry import import_mlflow as quietly

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quietly()
        import mlflow.pyfunc

        mlflow.pyfunc.add_to_model  # noqa: B018 - a lazy module: the first attribute imports it
