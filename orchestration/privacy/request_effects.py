"""Which effect carries out which kind of request, on one home. The effects themselves are the privacy package's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.platform import Platform
    from privacy.requests.desk import Desk
    from privacy.requests.effects import Effect, Eraser
    from privacy.requests.kinds import Kind
    from privacy.requests.store import Request

CARRIED_OUT = ("access", "export", "erasure", "restriction", "objection", "anonymise", "rectification")


def carry_out(platform: Platform, desk: Desk, request_id: str, *, by: str) -> Request:
    """Carry a request out to its end; one whose rows were not counted yet is counted first.

    Raises SurvivingRowsError, or what the effect raises; the request is failed then.
    """
    from privacy.requests import running, store
    from privacy.requests.machine import State

    request, _ = store.load(desk.conn, request_id)
    if request.state is State.IDENTIFIED:  # the count was interrupted
        assess(platform, desk, request_id, by=by)
    with effect_of(platform, desk, request.kind) as effect:
        return running.run(desk, request_id, effect, by=by)


@contextmanager
def effect_of(platform: Platform, desk: Desk, kind: Kind) -> Iterator[Effect]:
    """The effect of a kind, with a connection of its own."""
    from privacy import signing
    from privacy.exports.exporting import Exporter
    from privacy.requests.blocking import Block
    from privacy.requests.effects import Erasure
    from privacy.requests.kinds import Kind
    from privacy.requests.rectification import Rectification

    with platform.database.connect("erasure") as conn:
        match kind:
            case Kind.ACCESS | Kind.EXPORT:
                told = {"models": lambda subject: models_that_used(platform, subject)}
                yield Exporter(conn, platform.vault, platform.home, told)
            case Kind.RESTRICTION | Kind.OBJECTION:
                yield Block(desk.conn)
            case Kind.RECTIFICATION:
                yield Rectification(conn)
            case Kind.ERASURE:
                yield Erasure(eraser_of(platform), [signing.signer(platform.vault)])
            case Kind.ANONYMISE:
                yield Erasure(eraser_of(platform, leaves_statistics=True), [signing.signer(platform.vault)])


def eraser_of(platform: Platform, *, leaves_statistics: bool = False) -> Eraser:
    """Erases from every store of the home, while no run writes to it; what stays as statistics is unlinked."""

    def eraser(subject: str, *, request_id: str, now: datetime, aliases: Collection[str]) -> dict[str, Any]:
        from orchestration import pipeline
        from orchestration.privacy.erasure import stores_of
        from privacy.erasure.erasure import erase
        from privacy.erasure.unlinking import unlinking
        from privacy.exports.store import folder_of, remove_of_subject
        from privacy.identities import every_id
        from privacy.requests.desk import blinded

        stores = stores_of(platform)
        stores = unlinking(stores) if leaves_statistics else stores
        with pipeline.exclusive(platform):
            with platform.database.connect("erasure") as conn:
                for name in every_id(conn, (subject, *aliases)):
                    remove_of_subject(conn, folder_of(platform.home), blinded(platform.vault, name), now=now)
            return erase(stores, subject, request_id=request_id, now=now, aliases=aliases)

    return eraser


def assess(platform: Platform, desk: Desk, request_id: str, *, by: str) -> Request:
    """Count what a request touches, as the role that may look for a person in every stage."""
    from privacy.exports.exporting import keys_of_ids
    from privacy.identities import every_id
    from privacy.requests.blast import Reach, count_reach

    def count(subject: str) -> dict[str, Reach]:
        keys = keys_of_ids(platform.vault, every_id(conn, [subject]))
        return count_reach(conn, {kind: list(map(str, keys[kind])) for kind in ("raw", "keyed")})

    with platform.database.connect("erasure") as conn:
        return desk.assess(request_id, count, by=by)


def models_that_used(platform: Platform, subject: str) -> list[dict[str, Any]]:
    """Training sets that hold a person, with the runs and versions that learned from each; one row a version."""
    from ml.taint import TRAINING_SET, members
    from privacy.exports.exporting import keys_of

    token = str(keys_of(platform.vault, subject)["keyed"])
    with platform.database.connect("erasure") as conn:
        sets = sorted(members(conn, [token], platform.vault.purpose_key("training_subjects")))
    if not sets:
        return []
    rows = [
        {"training_set": name, "run": registry.run_id(version), "model": registry.name, "version": version}
        for registry in platform.registries
        for version, tags in registry.versions().items()
        for name in sets
        if tags.get(TRAINING_SET) == name
    ]
    known = {row["training_set"] for row in rows}
    return rows + [
        {"training_set": name, "run": None, "model": None, "version": None} for name in sets if name not in known
    ]
