"""The aliases of a registered model in MLflow: which version is champion, how that changes, and how it goes back.

Whether a version may become champion is decided elsewhere (ml/gates.py), as is whether its files may be used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml.seals import Seal, require_sealed, seal, sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
PREVIOUS = "previous"
SEAL = "lethe.champion_seal"


@dataclass(frozen=True, slots=True)
class Champions:
    """The champions of one model. key: what moves of the alias are sealed with."""

    client: MlflowClient
    model: str
    key: bytes = field(repr=False)

    def current(self) -> int | None:
        """The version behind the alias, or None. Raises UnsealedChampionError for one moved by hand."""
        version = self.alias(CHAMPION)
        require_sealed(self.sealed(), self.model, version)
        return version

    def sealed(self) -> Seal | None:
        """The champions so far by the seal; None where no seal of ours is there."""
        return sealed(self._tag(SEAL), self.key, self.model)

    def alias(self, name: str) -> int | None:
        """The version behind an alias, whoever put it there."""
        from mlflow.exceptions import MlflowException

        try:
            return int(self.client.get_model_version_by_alias(self.model, name).version)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def add(self, version: int) -> None:
        """Make a version champion, after the present one. Doing it twice changes nothing."""
        before, known = self.current(), self.sealed()
        so_far = known.champions if known else ()
        kept = so_far[: so_far.index(before) + 1] if before in so_far else so_far
        self.move(kept if before == version else (*kept, version), before)

    def move(self, champions: tuple[int, ...], before: int | None) -> None:
        """Seal the move, make it, seal that it is done: a kill in between leaves an alias that the seal knows."""
        for pending in (before, None):
            made = seal(self.key, self.model, champions, before=pending)
            self.client.set_registered_model_tag(self.model, SEAL, made)
            self.client.set_registered_model_alias(self.model, CHAMPION, str(champions[-1]))
        if len(champions) > 1:
            self.client.set_registered_model_alias(self.model, PREVIOUS, str(champions[-2]))
        elif self.alias(PREVIOUS) is not None:
            self.client.delete_registered_model_alias(self.model, PREVIOUS)

    def take_away(self) -> None:
        """Leave the model without a champion."""
        self.client.delete_registered_model_alias(self.model, CHAMPION)

    def retire(self, version: int, aliases: Iterable[str]) -> None:
        """Take a version's aliases away and leave it out of the champions so far. Doing it twice changes nothing."""
        for alias in aliases:
            self.client.delete_registered_model_alias(self.model, alias)
        known = self.sealed()
        if known is None or version not in known.champions:
            return
        if rest := tuple(champion for champion in known.champions if champion != version):
            self.client.set_registered_model_tag(self.model, SEAL, seal(self.key, self.model, rest))
        else:
            self.client.delete_registered_model_tag(self.model, SEAL)

    def _tag(self, name: str) -> str | None:
        """A tag of the model as a whole; None before it has any version."""
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_registered_model(self.model).tags.get(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return None if found is None else str(found)
