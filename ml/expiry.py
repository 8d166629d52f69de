"""Models whose training set is past its term: their files go, their figures stay. What is held is the caller's to say.

A version that an alias leads to (champion, challenger, previous) is in use. Its term is the same: it loses its aliases
with its files, and nothing is published until another is promoted. The days before it are for a training.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ml.registry import EMPTIED
from ml.taint import TRAINING_SET

if TYPE_CHECKING:
    import psycopg

    from ml.registry import Registry

SETS = (
    "select training_set_id, (created_at at time zone 'UTC')::date from ml.training_sets "
    "where (created_at at time zone 'UTC')::date < %s"
)


@dataclass(frozen=True, slots=True)
class OldModel:
    """Files that learnt from a training set past its term. version: None for a run that never became one."""

    model: str
    version: int | None
    run_id: str
    training_set: str
    made_on: date
    aliases: tuple[str, ...] = ()

    @property
    def is_in_use(self) -> bool:
        return bool(self.aliases)

    def __str__(self) -> str:
        name = f"version {self.version}" if self.version is not None else "an abandoned run"
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        return f"{name} of {self.model}{aliases}, training set of {self.made_on}"


def old_models(conn: psycopg.Connection[Any], registry: Registry, cutoff_on: date | None) -> list[OldModel]:
    """Models with files whose training set was made before a UTC day, oldest version first; None: no end.

    MLflow is asked only where there is such a set.
    """
    sets: dict[str, date] = dict(conn.execute(SETS, (cutoff_on,)).fetchall()) if cutoff_on else {}
    if not sets:
        return []
    aliases = registry.aliases()
    found = [
        OldModel(registry.name, version, registry.run_id(version), name, sets[name], aliases.get(version, ()))
        for version, tags in registry.versions().items()
        if EMPTIED not in tags and (name := tags.get(TRAINING_SET, "")) in sets
    ]
    ended = registry.abandoned().items()
    return found + [OldModel(registry.name, None, run, name, sets[name]) for run, name in ended if name in sets]


def expire(registry: Registry, models: Iterable[OldModel], now: datetime) -> int:
    """Delete the files of models, and the aliases that lead to them; returns how many. Killed midway, go on."""
    n_expired = 0
    for model in models:
        if model.version is None:
            registry.empty(model.run_id, now.isoformat())
        else:
            registry.expire(model.version, now.isoformat())
        n_expired += 1
    return n_expired
