"""Which effect carries out which kind of request, on one home. The effects themselves are the privacy package's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.platform import Platform
    from privacy.requests.desk import Desk
    from privacy.requests.effects import Effect
    from privacy.requests.kinds import Kind


@contextmanager
def effect_of(platform: Platform, desk: Desk, kind: Kind) -> Iterator[Effect | None]:
    """The effect of a kind with a connection of its own, or None where nothing carries it out."""
    from privacy.exports.exporting import Exporter
    from privacy.requests.blocking import Block
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
            case _:
                yield None


def models_that_used(platform: Platform, subject: str) -> list[dict[str, Any]]:
    """Training sets that hold a person, with the model versions that learned from each; one row a version."""
    from ml.taint import TRAINING_SET, members
    from privacy.exports.exporting import keys_of

    token = str(keys_of(platform.vault, subject)["keyed"])
    with platform.database.connect("erasure") as conn:
        sets = sorted(members(conn, [token], platform.vault.purpose_key("training_subjects")))
    if not sets:
        return []
    versions = platform.registry.versions()
    rows = [
        {"training_set": name, "model": platform.registry.name, "version": version}
        for name in sets
        for version, tags in versions.items()
        if tags.get(TRAINING_SET) == name
    ]
    known = {row["training_set"] for row in rows}
    return rows + [{"training_set": name, "model": None, "version": None} for name in sets if name not in known]
