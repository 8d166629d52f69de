"""Model files: written as skops, loaded only with a known digest and our own list of types. No registry here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# The only types beyond skops' own defaults that a Lethe model may hold. It lives here, never in an artefact:
# a list read from the artefact's own metadata trusts whoever wrote the artefact.
ALLOWED_TYPES = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
# What a model of a family may hold beyond skops' defaults: our own estimators, which run nothing when they are loaded.
FAMILY_TYPES: Mapping[str, tuple[str, ...]] = {
    "intents": (
        "ml.families.intents.IntentClassifier", "ml.families.network.SparseNetwork", "ml.families.terms.SharedTerms",
    ),
    "ai_quality": (
        *ALLOWED_TYPES, "ml.families.answers.ExchangeFeatures", "ml.families.terms.SharedValues",
    ),
    "preferences": ("ml.families.preferences.PairPreference",),
    "resource_generation": ("ml.families.step_language.StepLanguage",),
    "behaviour": (
        "ml.families.next_step.MarkovChain", "ml.families.next_step.NextStep",
        "ml.families.recurrent.RecurrentNextStep",
    ),
    "recommendation": ("ml.families.recommendation.ImplicitFactors", "ml.families.recommendation.ItemToItem"),
    "returns": (*ALLOWED_TYPES, "ml.families.timing.ReturnTime"),
    "risk": (*ALLOWED_TYPES, "ml.families.risk.RiskScore", "sklearn.tree._tree.Tree"),
    "company_similarity": ("ml.families.companies.CompanyGroups",),
    "company_graph": ("ml.families.peers.FeatureGraph",),
    "tabular": (
        *ALLOWED_TYPES, "ml.families.mixed_columns.CurvedColumns", "ml.families.mixed_columns.OrderedColumns",
        "ml.families.tabular.TabularClassifier", "ml.families.terms.SharedValues", "sklearn.tree._tree.Tree",
    ),
}  # fmt: skip

# What a registered model may hold, by its name. One that is not here may hold what churn may, and no more.
MODEL_TYPES: Mapping[str, tuple[str, ...]] = {"churn": ALLOWED_TYPES, "next_action": FAMILY_TYPES["behaviour"]}


class ArtefactError(Exception):
    """A model file that must not be loaded."""


class TamperedArtefactError(ArtefactError):
    """The bytes of a model file are not those that were registered."""


class UntrustedArtefactError(ArtefactError):
    """A model file holds a type that is not on the allow-list, or is no skops file at all."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_checked(path: Path, digest: str, allowed: Sequence[str] = ALLOWED_TYPES) -> Pipeline:
    """The pipeline in a skops file whose SHA-256 is digest.

    Raises TamperedArtefactError before a byte is parsed, UntrustedArtefactError before an object is built.
    """
    measured = file_digest(path)
    if measured != digest:
        raise TamperedArtefactError(
            f"{path.name} has SHA-256 {measured[:12]}..., registered was {digest[:12]}...; "
            "restore the file from a backup or train again"
        )
    return load_allowed(path, allowed)


def load_allowed(path: Path, allowed: Sequence[str] = ALLOWED_TYPES) -> Pipeline:
    """The pipeline in a skops file, if every type in it is allowed."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        loaded = skops.io.load(path, trusted=list(allowed))
    except UntrustedTypesFoundException as error:
        raise UntrustedArtefactError(f"{path.name} holds a type that is not allowed: {error}") from error
    except Exception as error:
        raise UntrustedArtefactError(f"{path.name} is no readable skops file ({type(error).__name__})") from error
    return _pipeline(loaded, path)


def learned_digest(fitted: Pipeline) -> str:
    """SHA-256 over everything a pipeline learned, independent of memory addresses and file dates."""
    hasher = hashlib.sha256()
    _feed(fitted, hasher)
    return hasher.hexdigest()


def _pipeline(loaded: object, path: Path) -> Pipeline:
    from sklearn.pipeline import Pipeline

    if not isinstance(loaded, Pipeline):
        raise UntrustedArtefactError(f"{path.name} holds a {type(loaded).__name__}, not a Pipeline")
    return loaded


def _feed(value: Any, hasher: hashlib._Hash) -> None:
    hasher.update(type(value).__name__.encode())
    if isinstance(value, np.ndarray) and value.dtype != object:
        hasher.update(str((value.dtype, value.shape)).encode())
        hasher.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.ndarray | list | tuple):
        for item in value:
            _feed(item, hasher)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            hasher.update(str(key).encode())
            _feed(value[key], hasher)
    elif isinstance(value, np.random.RandomState):  # used while fitting, not learned
        return
    elif callable(value) or isinstance(value, type):
        hasher.update(getattr(value, "__name__", "").encode())
    elif hasattr(value, "__dict__") and not isinstance(value, type):
        _feed(vars(value), hasher)
    elif "__reduce__" in dir(type(value)) and not isinstance(value, str | int | float | bool | bytes | type(None)):
        _feed(list(value.__reduce__()[1:]), hasher)
    else:
        hasher.update(repr(value).encode())
