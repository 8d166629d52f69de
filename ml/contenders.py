"""What every family of models hands to the registry and to the gates: promises only. A new model keeps these three."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ml.gates import Comparison, ModelFacts
    from ml.registry import Registry


class Frozen(Protocol):
    """An immutable set of rows with its manifest; digest covers rows and policy."""

    @property
    def training_set_id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def manifest(self) -> Mapping[str, Any]: ...


class Trained(Protocol):
    """A trained and measured model that no registry knows yet, with what is written down about it: no value of a row.

    rung: which of the models that were compared it is. source: the table it learnt from. inputs: what it is asked
    with, by name, and output: what it answers, both as MLflow's types.
    """

    @property
    def training_set(self) -> Frozen: ...
    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def rung(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, str]: ...
    @property
    def output(self) -> str: ...

    def params(self) -> dict[str, str]:
        """Settings and the policy of the training set."""
        ...

    def metrics(self) -> dict[str, float]:
        """Every measured figure."""
        ...

    def write_files(self, folder: Path, made_from: dict[str, str]) -> None:
        """Plots, the model card, the manifest and facts.json, from which a later run takes the version again."""
        ...


class Contender(Protocol):
    """A recorded version as the gates ask about it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def training_set(self) -> Frozen: ...

    def facts(self, registry: Registry) -> ModelFacts:
        """Everything the gates ask, from the file as registered."""
        ...

    def against_baseline(self) -> Comparison:
        """Beside the baseline, on the same rows."""
        ...

    def against(self, registry: Registry, champion: int) -> Comparison:
        """Beside a champion, on the same rows; no difference where that cannot be scored."""
        ...
