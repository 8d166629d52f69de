"""Anonymise instead of erase: the events stay as statistics, nothing leads to the person, figures find them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from privacy.classification import load_rules
from privacy.erasure.erasure import erase, resume, unfinished
from privacy.erasure.errors import ErasureInputError, SurvivingRowsError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.receipt import check
from privacy.erasure.stores import Stores
from privacy.erasure.targets import TARGETS
from privacy.erasure.unlinking import unlinking
from privacy.transform import transform_days
from tests.privacy.erasure.test_erasure import REQUEST, places
from tests.privacy.erasure.world import ALIAS, DAY, NOW, OTHER, PERSON, contents
from warehouse.database import ADMIN

DATA = {"query": "my flat in Bern", "ms": 12, "account": "f_0123", "_client_info": {"os": "linux", "ip": "10.x"}}
RULES = [
    {"event_type": kind, "path": path, "class": klass, "kind": name, "steward": "test", "reason": "test"}
    for kind, path, klass, name in (
        ("ui", "/data/ms", "non_personal", "duration"),
        ("*", "/data/query", "non_personal", "category"),
        ("ui", "/data/query", "personal", "free_text"),  # for this type it is not, so it goes
        ("ui", "/data/account", "pseudonymized", "id"),
        ("*", "/client_info/os", "non_personal", "category"),
        ("*", "/client_info/ip", "personal", "ip_address"),
    )
]
Row = dict[str, Any]


@pytest.fixture
def rich(stores: Stores) -> Stores:
    """Events as the transform writes them: with sessions, personas and values; the company is this person's alone."""
    with stores.database.connect("privacy") as conn:
        load_rules(conn, RULES, NOW)
    with stores.database.connect(ADMIN) as conn:
        conn.execute(
            "update safe.pseudonymous_events set persona = 'p_' || subject, session = 's_' || subject || event_day, "
            "data = %s, purposes = '{model_training}', occurred_at = event_day + interval '10 h 7 min'",
            (json.dumps(DATA),),
        )
    return unlinking(stores)


def rows(stores: Stores) -> list[Row]:
    with stores.database.connect(ADMIN) as conn:
        return [row[0] for row in conn.execute("select to_jsonb(e) from safe.pseudonymous_events e order by event_id")]


def test_events_stay_and_lead_to_nobody(rich: Stores) -> None:
    keys = SubjectKeys.of((PERSON, ALIAS), rich.vault)
    before = [row for row in rows(rich) if row["subject"] in keys.tokens]
    others = [row for row in rows(rich) if row["subject"] not in keys.tokens]
    receipt = erase(rich, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    check(receipt)
    found = [row for row in rows(rich) if row["event_id"].startswith("x_")]
    assert [row for row in rows(rich) if row not in found] == others
    assert sorted(row["event_day"] for row in found) == sorted(row["event_day"] for row in before)
    gone = {str(row[name]) for row in before for name in ("event_id", "subject", "persona", "session")}
    assert places(contents(rich), (*keys.needles(), *gone)) == []
    (token,) = {row["subject"] for row in found}
    assert places(contents(rich), (token,)) == ["safe.pseudonymous_events", "pg_stats"] or places(
        contents(rich), (token,)
    ) == ["safe.pseudonymous_events"]
    # A session stays one session; a company without a crowd, a persona and exact times do not stay.
    assert len({row["session"] for row in found}) == len({row["session"] for row in before})
    assert {(row["persona"], row["company"]) for row in found} == {(None, None)}
    assert {row["occurred_at"][11:] for row in found} == {"10:00:00+00:00"}
    assert {json.dumps(row["data"]) for row in found} == {'{"ms": 12, "_client_info": {"os": "linux"}}'}
    (target,) = [row for row in receipt["targets"] if row["rule"] == "unlink"]
    assert (target["before"], target["deleted"], target["after"]) == (8, 8, 0)


def test_dbt_and_the_transform_find_them_again(rich: Stores) -> None:
    """Days are newer than what dbt built, and stay counted when the transform writes them anew without a raw row."""
    with rich.database.connect("privacy") as conn:
        conn.execute("update safe.event_days set version = -1")
    erase(rich, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    with rich.database.connect("privacy") as conn:
        versions = {row[0] for row in conn.execute("select version from safe.event_days")}
        transform_days(conn, [DAY], rich.vault)
        counted = conn.execute("select n_pseudonymous from safe.event_days where event_day = %s", (DAY,)).fetchone()
    kept = [row for row in rows(rich) if row["event_day"] == str(DAY)]
    assert -1 not in versions
    assert kept
    assert all(row["event_id"].startswith("x_") for row in kept)  # nobody else agreed to anything
    assert counted == (len(kept),)


def test_a_company_with_a_crowd_keeps_its_name(rich: Stores) -> None:
    with rich.database.connect(ADMIN) as conn:
        conn.execute(
            "insert into safe.pseudonymous_events select event_id || n, 'u_' || md5(n::text), null, company, null, "
            "event_type, event_source, component, action, data, occurred_at, received_at, event_day, purposes "
            "from safe.pseudonymous_events, generate_series(1, 5) n where subject = %s",
            (SubjectKeys.of([OTHER], rich.vault).tokens[0],),
        )
    erase(rich, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    assert {row["company"] for row in rows(rich) if row["event_id"].startswith("x_")} == {"c_1"}


def test_what_keeps_a_tie_is_counted_and_the_same_request_mends_it(rich: Stores) -> None:
    """Planted: something writes the session back. An unlinking that only looked for the old name would be complete."""
    with rich.database.connect(ADMIN) as conn:
        conn.execute(
            "create function safe.tie() returns trigger language plpgsql as "
            "$$ begin new.session := old.session; return new; end $$"
        )
        conn.execute(
            "create trigger tie before update on safe.pseudonymous_events for each row execute function safe.tie()"
        )
    with pytest.raises(SurvivingRowsError, match=r"safe\.pseudonymous_events\.subject: 8 rows"):
        erase(rich, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    assert unfinished(rich) == [REQUEST]
    with rich.database.connect(ADMIN) as conn:
        conn.execute("drop trigger tie on safe.pseudonymous_events")
    check(resume(replace(rich, targets=TARGETS), REQUEST, NOW))
    assert len([row for row in rows(rich) if str(row["session"]).startswith("x_")]) == 8


def test_a_killed_one_goes_on_as_it_began_and_never_as_an_erasure(rich: Stores, stores: Stores) -> None:
    class Killed(Exception):
        pass

    def watch(step: str) -> None:
        if step == "deleted safe.pseudonymous_events.subject":
            raise Killed

    with pytest.raises(Killed):
        erase(rich, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW, watch=watch)
    with pytest.raises(ErasureInputError, match="began the other way"):
        erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    check(resume(stores, REQUEST, NOW))
    assert len([row for row in rows(rich) if row["event_id"].startswith("x_")]) == 8
