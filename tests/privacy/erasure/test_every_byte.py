"""No form of a person is left in any byte of any store, and a hundred others are as they were, byte for byte.

Forms are those of the leak test: written out, escaped, encoded, hashed without a key.
"""

from __future__ import annotations

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


def add_controls(stores: Stores) -> list[str]:
    """A hundred others with events and derived rows, on the same days."""
    names = [f"control-{number:04}" for number in range(N_CONTROLS)]
    with stores.database.connect(ADMIN) as conn:
        conn.execute(
            "insert into raw.system_logs (id, user_id, event_type, event_source, action, data, data_classification, "
            "retention_policy, created_at, received_at, source, fingerprint, event_day) "
            "select u || '-' || n, u, 'ui', 'web', 'click', '{}', 'personal', 'long_term', %s, %s, 'web', "
            "sha256(u::bytea), %s + n from unnest(%s::text[]) as u, generate_series(0, 2) as n",
            (NOW, NOW, DAY, names),
        )
        conn.execute(
            "insert into features.ftr_user_weekly select %s, 'u_' || md5(u), 3 from unnest(%s::text[]) as u",
            (DAY, names),
        )
    return names


def test_no_form_of_a_person_is_left_and_controls_are_unchanged(stores: Stores) -> None:
    keys = SubjectKeys.of((PERSON, ALIAS), stores.vault)
    planted = [Planted(key, "user") for key in (*keys.users, *keys.tokens)]
    names = add_controls(stores)
    insert_event(stores.database, PERSON, 12, data=f'{{"again": "{ALIAS}"}}')
    before, found = contents(stores), search(stores, planted)
    kinds = {hit.store.split(" ")[1].split("!")[0] for hit in found.hits}
    assert len(kinds) >= 12, kinds
    erase(stores, PERSON, aliases=[ALIAS], request_id="request-1", now=NOW)
    after = contents(stores)
    assert search(stores, planted).hits == set(), search(stores, planted).report()
    for table in ("raw.system_logs", "features.ftr_user_weekly"):
        theirs = [row for row in before[table] if any(name in row for name in names) or "u_" in row]
        theirs = [row for row in theirs if not any(key in row for key in (*keys.users, *keys.tokens))]
        assert len(theirs) >= N_CONTROLS
        assert set(theirs) <= set(after[table])


def test_the_search_would_have_found_it(stores: Stores) -> None:
    """Whoever forgets a store is caught: what is searched holds the person before."""
    found = search(stores, [Planted(PERSON, "user")])
    for store in ("raw.system_logs", "consent.consent_events", "landing/events.csv", "exports/package.zip"):
        assert any(store in hit.store for hit in found.hits), store
