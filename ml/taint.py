"""Which training sets and model versions learnt from a person who is gone: marked, and due for retraining.

Nothing is unlearnt here, and nobody claims so: a version is replaced by one trained without the person, or refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml.training_sets import blind, set_key

if TYPE_CHECKING:
    import psycopg

    from ml.registry import Registry
    from warehouse.database import Database

TAINTED = "lethe.tainted"
RETRAIN_BY = "lethe.retrain_by"
TRAINING_SET = "lethe.training_set_id"
DEADLINE = timedelta(days=7)  # a training takes minutes; a week leaves room for a candidate that its gates refuse


class UntraceableVersionError(Exception):
    """A version that names no training set: nobody can tell from whom it learnt."""


class OverdueModelError(Exception):
    """A version that learnt from somebody who is gone and was not replaced in time."""


@dataclass(frozen=True, slots=True)
class TaintedVersion:
    """A version, the training set that taints it, the erasure or withdrawal behind it, and when it must be replaced."""

    model: str
    version: int
    training_set: str
    cause: str
    retrain_by: datetime

    def fact(self) -> dict[str, Any]:
        """As a receipt says it."""
        return {
            "model": self.model,
            "version": self.version,
            "training_set": self.training_set,
            "retrain_by": self.retrain_by.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Taint:
    """The blinded membership index of one home and its models: what an erasure asks. blinding_key is of the vault."""

    database: Database
    registries: tuple[Registry, ...]
    blinding_key: bytes = field(repr=False)

    def members(self, tokens: Sequence[str]) -> dict[str, list[bytes]]:
        """The blinded subjects of pseudonyms by training set, only where they are members."""
        with self.database.connect("erasure") as conn:
            return members(conn, tokens, self.blinding_key)

    def taint(self, training_sets: Collection[str], *, cause: str, now: datetime) -> list[dict[str, Any]]:
        """Mark the versions of every model that learnt from the sets; what a receipt says of each.

        Raises UntraceableVersionError, and marks none of any model.
        """
        for registry in self.registries:
            require_traceable(registry)
        marked = [taint(registry, training_sets, cause=cause, now=now) for registry in self.registries]
        return [version.fact() for versions in marked for version in versions]


def members(conn: psycopg.Connection[Any], tokens: Sequence[str], blinding_key: bytes) -> dict[str, list[bytes]]:
    """The rows of the membership index that are of these pseudonyms: training set -> blinded subjects."""
    sets = [str(row[0]) for row in conn.execute("select training_set_id from ml.training_sets order by 1")]
    pairs = [(name, member) for name in sets for member in blind(list(tokens), set_key(blinding_key, name))]
    rows = conn.execute(
        "select s.training_set_id, s.blinded_subject from unnest(%s::text[], %s::bytea[]) as w (name, member) "
        "join ml.training_subjects s on s.training_set_id = w.name and s.blinded_subject = w.member",
        ([name for name, _ in pairs], [member for _, member in pairs]),
    ).fetchall()
    found: dict[str, list[bytes]] = {}
    for name, member in rows:
        found.setdefault(str(name), []).append(bytes(member))
    return found


def taint(registry: Registry, training_sets: Collection[str], *, cause: str, now: datetime) -> list[TaintedVersion]:
    """Mark exactly the versions that learnt from one of the sets. A second cause leaves the earlier deadline.

    Raises UntraceableVersionError, and marks none, where a version leads to no training set: it may have learnt from
    anybody.
    """
    wanted, versions = set(training_sets), require_traceable(registry)
    if not wanted:
        return []
    found = []
    for version, tags in versions.items():
        if tags.get(TRAINING_SET) in wanted:
            retrain_by = datetime.fromisoformat(tags[RETRAIN_BY]) if RETRAIN_BY in tags else now + DEADLINE
            if TAINTED not in tags:
                registry.note(version, {TAINTED: cause, RETRAIN_BY: retrain_by.isoformat()})
            found.append(TaintedVersion(registry.name, version, tags[TRAINING_SET], cause, retrain_by))
    return found


def require_traceable(registry: Registry) -> dict[int, dict[str, str]]:
    """Every version with its tags. Raises UntraceableVersionError where one leads to no training set."""
    versions = registry.versions()
    lost = [version for version, tags in versions.items() if TRAINING_SET not in tags]
    if lost:
        raise UntraceableVersionError(
            f"version {lost[0]} of {registry.name} names no training set, so nobody can tell from whom it learnt; "
            f"delete it, or tag it with {TRAINING_SET}"
        )
    return versions


def tainted(registry: Registry) -> list[TaintedVersion]:
    """Every marked version, oldest first."""
    return [_read(registry.name, version, tags) for version, tags in registry.versions().items() if TAINTED in tags]


def overdue(registry: Registry, now: datetime) -> list[TaintedVersion]:
    """Marked versions whose time is over; predictions of none of them may be served."""
    return [version for version in tainted(registry) if version.retrain_by <= now]


def needs_retraining(registry: Registry) -> TaintedVersion | None:
    """The champion, when it is marked: it serves until its deadline and a training is due."""
    champion = registry.champion()
    return next((version for version in tainted(registry) if version.version == champion), None)


def require_current(registry: Registry, version: int, now: datetime) -> None:
    """Raise OverdueModelError for a marked version after its deadline."""
    late = next((found for found in overdue(registry, now) if found.version == version), None)
    if late is not None:
        raise OverdueModelError(
            f"version {version} of {registry.name} learnt from somebody who is gone and was due to be replaced by "
            f"{late.retrain_by:%Y-%m-%d %H:%M} UTC; train and promote another, or roll back to one that is not marked"
        )


def _read(model: str, version: int, tags: Mapping[str, str]) -> TaintedVersion:
    retrain_by = datetime.fromisoformat(tags[RETRAIN_BY])
    return TaintedVersion(model, version, tags.get(TRAINING_SET, ""), tags[TAINTED], retrain_by)
