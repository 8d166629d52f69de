"""No value of a row leaves Great Expectations: not in results, evidence, refusals, logs or output."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from quality import batches, suites, validation
from quality.expectations import Target
from quality.gates import GateRefused, plan
from quality.validation import Batch, error_name, validate
from tests.quality import world
from warehouse.database import Database

pytestmark = pytest.mark.integration

TOKEN = "!canary-7f3a!"
PLANT = f"update raw.system_logs set event_type = '{TOKEN}', source = '{TOKEN}', data_classification = '{TOKEN}'"


@pytest.fixture
def planted(database: Database) -> Database:
    world.build(database)
    world.execute(database, "admin", PLANT)
    return database


def _raw_results(database: Database, result_format: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """What Great Expectations itself says about the planted rows, before our whitelist."""
    monkeypatch.setattr(validation, "RESULT_FORMAT", result_format)
    scope = batches.Scope(None, (world.DAY,), world.NOW)
    with validation._datasource(database.url("quality", "psycopg")) as source:
        return str(validation._results(source, plan(suites.RAW_IN, scope, ())[0], 0))


def _casting(query: str, sql: str | None = None) -> Batch:
    rule = suites.Rule(suites.RAW_IN, suites.LOGS, "no_rows", None, "accuracy", "casts")
    return Batch(suites.LOGS, query, (Target(rule, None, sql=sql or "select 1 as fault from {batch}"),))


def test_a_refusal_tells_counts_and_no_value(
    planted: Database, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    result = world.gate(planted, suites.RAW_IN)
    with pytest.raises(GateRefused) as refusal:
        result.require()
    with planted.connect("quality") as conn:
        evidence = world.stored(conn, suites.RAW_IN)
    assert {"event_type", "source", "data_classification"} <= {check.column for check in result.failed}
    assert "100 of 100 rows break it (none may)" in str(refusal.value)
    told = [repr(result), str(refusal.value), repr(refusal.value), repr(evidence), *capfd.readouterr(), caplog.text]
    assert not [text for text in told if TOKEN in text]


def test_default_verbosity_would_tell_the_value(planted: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = dict(validation.RESULT_FORMAT)
    assert TOKEN in _raw_results(planted, {"result_format": "SUMMARY"}, monkeypatch)
    assert TOKEN not in _raw_results(planted, ours, monkeypatch)


@pytest.mark.parametrize(
    "batch",
    [
        _casting("select event_type from raw.system_logs", "select event_type::int from {batch}"),
        _casting("select event_type::int as n from raw.system_logs"),
    ],
    ids=["in an expectation", "in a batch"],
)
def test_an_exception_is_told_by_its_type_only(
    planted: Database, batch: Batch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes = validate(planted.url("quality", "psycopg"), [batch])
    assert [(outcome.success, outcome.error) for outcome in outcomes] == [(False, "InvalidTextRepresentation")]
    assert not [text for text in (repr(outcomes), *capfd.readouterr(), caplog.text) if TOKEN in text]


def test_a_server_that_does_not_answer_fails_closed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = validate("postgresql+psycopg://u:open-sesame@127.0.0.1:1/none", [_casting("select 1 as n")])
    assert [outcome.success for outcome in outcomes] == [False]
    assert outcomes[0].error
    assert not [text for text in (repr(outcomes), *capfd.readouterr(), caplog.text) if "open-sesame" in text]


def test_levels_of_other_loggers_are_given_back(planted: Database) -> None:
    before = logging.getLogger("great_expectations").level
    world.gate(planted, suites.RAW_IN)
    assert logging.getLogger("great_expectations").level == before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("psycopg.errors.DivisionByZero: division by zero", "DivisionByZero"),
        ("psycopg.errors.Alice: her name", "ExpectationError"),
        ("ZeroDivisionError: x", "ZeroDivisionError"),
        ("Alice: her name", "ExpectationError"),
    ],
)
def test_an_error_name_is_looked_up_and_never_quoted(text: str, name: str) -> None:
    assert error_name({"metric": {"raised_exception": True, "exception_traceback": text}}) == name
    assert error_name({"raised_exception": False, "exception_traceback": None}) is None


def test_names_that_cannot_stand_in_a_query_are_refused() -> None:
    scope = batches.Scope(None, None, world.NOW, {"model_name": "x' or true --", "model_version": 1})
    with pytest.raises(batches.UnsafeNameError, match="rename the model"):
        batches.predictions(scope)
    with pytest.raises(batches.UnsafeNameError, match="rename it in dbt"):
        batches.features(scope, ["n_ok", 'n"; drop'])
