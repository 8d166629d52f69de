"""Every rule of every suite, with real PostgreSQL and real Great Expectations: clean passes, each fault is refused."""

from __future__ import annotations

from datetime import date

import pytest

from quality import suites
from quality.gates import GateRefused, UnknownParameterError
from tests.quality import world
from tests.quality.world import FAULTS, Fault
from warehouse.database import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def filled(database: Database) -> Database:
    world.build(database)
    return database


@pytest.mark.parametrize("gate", suites.SUITES)
def test_clean_data_pass_and_leave_evidence(filled: Database, gate: str) -> None:
    result = world.gate(filled, gate)
    assert result.failed == ()
    assert result.passed
    with filled.connect("quality") as conn:
        assert len(world.stored(conn, gate)) == len(result.checks)


def test_every_rule_has_a_planted_fault() -> None:
    assert sorted(fault.key for fault in FAULTS) == sorted(rule.key for rule in suites.RULES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.key)
def test_each_planted_fault_is_refused_by_name(filled: Database, fault: Fault) -> None:
    world.execute(filled, "admin", fault.sql)
    rule = next(rule for rule in suites.RULES if rule.key == fault.key)
    result = world.gate(filled, rule.suite)
    assert not result.passed
    named = [check for check in result.failed if check.name.endswith(rule.says) and check.table == rule.table]
    column = fault.column or rule.column
    assert [check.column for check in named] == [column]
    assert named[0].error is None
    with pytest.raises(GateRefused, match="refuses") as refusal:
        result.require()
    assert named[0].name in str(refusal.value)


def test_no_days_are_refused_unless_allowed(filled: Database) -> None:
    assert not world.gate(filled, suites.RAW_IN, days=()).passed
    assert world.gate(filled, suites.RAW_IN, days=(), allow_empty=True).passed


def test_a_day_list_judges_those_days_only(filled: Database) -> None:
    world.execute(
        filled, "admin", "update raw.system_logs set data_classification = 'x' where event_day = '2024-03-10'"
    )
    assert world.gate(filled, suites.RAW_IN, days=(date(2024, 3, 9), date(2024, 3, 11))).passed
    partition = (date(2024, 3, 9), date(2024, 3, 11))
    assert not world.gate(filled, suites.RAW_IN, days=None, partition=partition).passed


def test_a_missing_table_fails_every_check_by_error_type(database: Database) -> None:
    result = world.gate(database, suites.FEATURES_OUT)
    assert not result.passed
    assert {check.error for check in result.checks} == {"UndefinedTable"}
    with database.connect("quality") as conn:
        assert len(world.stored(conn, suites.FEATURES_OUT)) == len(result.checks)


def test_unknown_and_missing_parameters_are_named(database: Database) -> None:
    with pytest.raises(UnknownParameterError, match="model_nam;"):
        world.gate(database, suites.RAW_IN, model_nam="churn")
    with pytest.raises(suites.UnknownSuiteError, match="raw_in, features_out"):
        world.gate(database, "raw_out")
