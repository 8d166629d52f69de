"""A request for erasure over the real erasure: complete by its receipt, and failed while a byte is left anywhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from privacy import signing
from privacy.erasure.erasure import erase, receipt_path
from privacy.erasure.errors import SurvivingRowsError
from privacy.erasure.stores import Stores
from privacy.erasure.unlinking import unlinking
from privacy.exports.exporting import Exporter
from privacy.exports.store import folder_of, path_of
from privacy.requests import store
from privacy.requests.desk import Desk, blinded
from privacy.requests.effects import Erasure
from privacy.requests.kinds import Kind, Task
from privacy.requests.machine import State
from privacy.requests.running import run
from tests.privacy.erasure.world import ALIAS, NOW, PERSON, build
from tests.privacy.requests.conftest import small
from warehouse.database import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def stores(database: Database, tmp_path: Path) -> Stores:
    return build(database, tmp_path / "home")


def test_an_anonymise_request_ends_with_a_receipt_and_unlinked_events(stores: Stores) -> None:
    effect = Erasure(partial(erase, unlinking(stores)), [signing.signer(stores.vault)])
    with stores.database.connect("privacy") as conn:
        desk = Desk(conn, stores.vault, lambda: NOW)
        request = desk.open(Kind.ANONYMISE, PERSON, by="anna", reason="asked by mail", details={"aliases": [ALIAS]})
        desk.attest(request.request_id, by="ben", reason="seen at the counter")
        desk.assess(request.request_id, small, by="anna")
        assert run(desk, request.request_id, effect, by="worker").state is State.COMPLETE
        n_left = conn.execute("select count(*) from safe.pseudonymous_events where starts_with(event_id, 'x_')")
        assert n_left.fetchone() == (8,)


def test_an_erasure_request_ends_with_a_receipt_and_not_before(stores: Stores) -> None:
    with stores.database.connect("erasure") as conn:
        made = Exporter(conn, stores.vault, stores.home).export(Task("req-earlier", Kind.ACCESS, PERSON, NOW))
    package = path_of(folder_of(stores.home), made.export_id)
    assert package.exists()
    effect = Erasure(partial(erase, stores), [signing.signer(stores.vault)])
    left = stores.home / "notes.bin"
    left.write_bytes(PERSON.encode())
    with stores.database.connect("privacy") as conn:
        desk = Desk(conn, stores.vault, lambda: NOW)
        request = desk.open(Kind.ERASURE, PERSON, by="anna", reason="asked by mail", details={"aliases": [ALIAS]})
        desk.attest(request.request_id, by="ben", reason="seen at the counter")
        desk.assess(request.request_id, small, by="anna")
        with pytest.raises(SurvivingRowsError):
            run(desk, request.request_id, effect, by="worker")
        assert store.load(conn, request.request_id)[0].state is State.FAILED
        left.unlink()
        assert run(desk, request.request_id, effect, by="worker").state is State.COMPLETE
        measured = store.events(conn, request.request_id)[-2].detail
        assert len(measured["survivors"]) > 20
        assert set(measured["survivors"].values()) == {0}
        # Its requests are still found by whoever has the vault and the id, for they prove that it was done.
        assert len(store.find(conn, blinded_subject=blinded(stores.vault, PERSON))) == 1
    assert not package.exists()
    assert len(list(receipt_path(stores.home, "x").parent.iterdir())) == 1
