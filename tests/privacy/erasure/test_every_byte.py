"""No form of a person is left in any byte of any store, and a hundred others are as they were, byte for byte.

Forms are those of the leak test: written out, escaped, encoded, hashed without a key.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from privacy.erasure.erasure import erase
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.stores import Stores
from tests.canary import stores as places
from tests.canary.forms import Planted
from tests.canary.search import Search, Searched
from tests.privacy.erasure.world import ALIAS, DAY, NOW, PERSON, contents, insert_event
from warehouse.database import ADMIN

pytestmark = pytest.mark.integration
N_CONTROLS = 100
# Where a person is found before the erasure, and what kind of store it is.
KINDS = {
    "table raw.system_logs": "raw events", "table raw.event_keys": "keys of known events",
    "table consent.": "consent ledger", "table safe.": "safe events", "table sessions.": "sessions",
    "table aggregates.": "aggregates", "table features.ftr_": "features", "table features.lbl_": "labels",
    "table ml.": "predictions", "table privacy.osint": "findings from public sources",
    "file landing/": "landing files", "file exports/": "exports",
    "file logs/": "decision journal", "catalogue pg_stats": "the planner's samples",
}  # fmt: skip
DERIVED = {
    "aggregates.agg_user_fragments": f"u, '{DAY}'::date, 2", "aggregates.agg_user_day": f"u, '{DAY}'::date, 2",
    "sessions.ses_sessions": "u, 2", "features.ftr_user_weekly": f"'{DAY}'::date, u, 3",
    "features.lbl_user_churn": f"'{DAY}'::date, u, true",
}  # fmt: skip
SCHEMAS = ("raw", "consent", "privacy", "safe", "aggregates", "sessions", "features", "quality", "ml", "warehouse")


def search(stores: Stores, planted: list[Planted]) -> Searched:
    home = stores.home
    return Search(planted).over(
        chain(
            places.tables(stores.database, SCHEMAS),
            places.catalogue(stores.database),
            places.files(home, (home / "vault",)),
        )
    )


def kinds_of(found: Searched) -> set[str]:
    """The kinds of store that hold somebody."""
    places_of = {hit.store.removesuffix(".fingerprint") for hit in found.hits}
    return {kind for place in places_of for start, kind in KINDS.items() if place.startswith(start)}


def add_controls(stores: Stores) -> list[str]:
    """A hundred others with events, consents and derived rows on the same days; returns their names."""
    names = [f"control-{number:04}" for number in range(N_CONTROLS)]
    tokens = [f"u_{name}" for name in names]
    with stores.database.connect(ADMIN) as conn:
        conn.execute(
            "insert into raw.system_logs (id, user_id, event_type, event_source, action, data, data_classification, "
            "retention_policy, created_at, received_at, source, fingerprint, event_day) "
            "select u || '-' || n, u, 'ui', 'web', 'click', '{}', 'personal', 'long_term', %s, %s, 'web', "
            "sha256(u::bytea), %s + n from unnest(%s::text[]) as u, generate_series(0, 2) as n",
            (NOW, NOW, DAY, names),
        )
        conn.execute(
            "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, method, "
            "fingerprint) select u, 'analytics', 'grant', %s, %s, 'test', 'accept', sha256(u::bytea) "
            "from unnest(%s::text[]) as u",
            (NOW, NOW, names),
        )
        conn.execute(
            "insert into safe.pseudonymous_events (event_id, subject, company, event_type, event_source, action, data, "
            "occurred_at, received_at, event_day, purposes) select 'e' || u, u, 'c_1', 'ui', 'web', 'click', '{}', "
            "%s, %s, %s, '{}' from unnest(%s::text[]) as u",
            (NOW, NOW, DAY, tokens),
        )
        conn.execute(
            "insert into ml.predictions select 'churn', 1, %s, u, .5, 'published', %s from unnest(%s::text[]) as u",
            (DAY, NOW, tokens),
        )
        for table, values in DERIVED.items():
            conn.execute(f"insert into {table} select {values} from unnest(%s::text[]) as u".encode(), (tokens,))
    return names


def test_no_form_of_a_person_is_left_and_controls_are_unchanged(stores: Stores) -> None:
    keys = SubjectKeys.of((PERSON, ALIAS), stores.vault)
    planted = [Planted(key, "user") for key in (*keys.users, *keys.tokens)]
    names = add_controls(stores)
    insert_event(stores.database, PERSON, 12, data=f'{{"again": "{ALIAS}"}}')
    assert kinds_of(search(stores, planted)) == set(KINDS.values())
    assert len(set(KINDS.values())) >= 12
    before = theirs(stores, names)
    assert sum(before.values()) == N_CONTROLS * (3 + 1 + 1 + 1 + len(DERIVED))
    erase(stores, PERSON, aliases=[ALIAS], request_id="request-1", now=NOW)
    assert search(stores, planted).hits == set(), search(stores, planted).report()
    assert theirs(stores, names) == before


def theirs(stores: Stores, names: list[str]) -> Counter[tuple[str, str]]:
    """Every row of every table that names one of them, with how often; not the planner's samples of rows."""
    tables = ((table, rows) for table, rows in contents(stores).items() if table != "pg_stats")
    return Counter((table, row) for table, rows in tables for row in rows if any(name in row for name in names))


def test_the_search_would_have_found_it(stores: Stores) -> None:
    """Whoever forgets a store is caught: what is searched holds the person before."""
    found = search(stores, [Planted(PERSON, "user")])
    for store in ("raw.system_logs", "consent.consent_events", "landing/events.csv", "exports/package.zip"):
        assert any(store in hit.store for hit in found.hits), store
