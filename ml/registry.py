"""The record of models: the only place that talks to MLflow. It decides nothing and stores no value of a row."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml import artifacts, gates, record, recording
from ml.champions import CHAMPION, Champions
from ml.recording import MODEL_FILE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from sklearn.pipeline import Pipeline

    from ml.contenders import Trained

ROLLED_BACK = "lethe.rolled_back"
EXPIRED, EMPTIED = "lethe.expired", "lethe.emptied"  # the files of a version may not be used, and are gone
LONGEST_RECORDING_S = 3600  # a run is RUNNING while its files are written, which takes seconds


class RegistryError(Exception):
    """A promise of the model registry that could not be kept; the message says what to do."""


class UnknownVersionError(RegistryError):
    """A model version that the registry does not have."""


class NothingToRollBackToError(RegistryError):
    """A rollback without an earlier champion."""


class ExpiredVersionError(RegistryError):
    """A version whose files went with the term of its training set."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model version as loaded: its checked pipeline, the facts of its training, the size of its file."""

    version: int
    pipeline: Pipeline
    facts: Mapping[str, Any]
    n_bytes: int


class Registry:
    """Versions of one model and the alias `champion`. tracking_uri is a database; artifact_root a folder.

    seal_key: what moves of the alias are sealed with; an alias that was moved in another way is no champion.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path, *, seal_key: bytes, name: str = "churn") -> None:
        self.name = name
        self._seal_key = seal_key
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._types = artifacts.MODEL_TYPES.get(name, artifacts.ALLOWED_TYPES)

    def of(self, name: str) -> Registry:
        """The registry of another model in the same place."""
        return Registry(self._tracking_uri, self._artifact_root, seal_key=self._seal_key, name=name)

    def finished(self, key: str) -> int | None:
        """The version already made for a training key, or None. A finished run without a version gets one."""
        for run in self._search(f"{_has_key(key)} and attributes.status = 'FINISHED'"):
            known = self._client.search_model_versions(f"run_id = '{run.info.run_id}'")
            if not known:
                return self._register(run)
            if EXPIRED not in known[0].tags:
                return int(known[0].version)
        return None

    def end_abandoned_runs(self, key: str) -> int:
        """Mark runs that a kill left RUNNING as KILLED: those of this key, and all that are too old to be alive.

        A kill followed by new data leaves a run under a key that never comes again. Returns how many were marked.
        """
        oldest = int((time.time() - LONGEST_RECORDING_S) * 1000)
        runs = self._search(f"{_has_key(key)} and attributes.status = 'RUNNING'")
        runs += self._search(f"attributes.status = 'RUNNING' and attributes.start_time < {oldest}")
        ended = {run.info.run_id for run in runs}
        for run_id in ended:
            self._client.set_terminated(run_id, "KILLED")
        return len(ended)

    def record(self, fitted: Trained, key: str) -> int:
        """Store a trained model with everything that made it, and register it; returns the version.

        Order matters: the run is FINISHED only when complete, and the version appears last and in one piece.
        """
        name = fitted.training_set.training_set_id
        run = self._client.create_run(self._experiment_id, tags={"lethe.training_key": key}, run_name=name)
        run_id = run.info.run_id
        try:
            recording.fill(self._client, run_id, fitted, key, self._types)
        except Exception:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED")
        return self._register(self._client.get_run(run_id))

    def load_version(self, version: int) -> Loaded:
        """A version's pipeline, its file digest and types checked first.

        Raises UnknownVersionError, ExpiredVersionError, TamperedArtefactError or UntrustedArtefactError.
        """
        found = self._usable(version)
        run_id = str(found.run_id)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(self._client.download_artifacts(run_id, MODEL_FILE, folder))
            pipeline = artifacts.load_checked(path, found.tags["lethe.artifact_sha256"], self._types)
            facts = json.loads(Path(self._client.download_artifacts(run_id, "facts.json", folder)).read_text())
            return Loaded(version, pipeline, facts, path.stat().st_size)

    def copy_model(self, version: int, target: Path) -> int:
        """Write a version's model file to a path after the checks of load_version; returns its bytes."""
        found = self._usable(version)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(self._client.download_artifacts(str(found.run_id), MODEL_FILE, folder))
            artifacts.load_checked(path, found.tags["lethe.artifact_sha256"], self._types)
            target.write_bytes(path.read_bytes())
            return path.stat().st_size

    def champion(self) -> int | None:
        """The version behind the alias `champion`, or None. Raises UnsealedChampionError for one moved by hand."""
        return self._champions.current()

    def promote(self, version: int) -> None:
        """Move `champion` to a version and keep the one before as `previous`. Doing it twice changes nothing."""
        if ROLLED_BACK in self._usable(version).tags:  # a person promotes it again; the gates would have refused
            self._client.delete_model_version_tag(self.name, str(version), ROLLED_BACK)
        self._champions.add(version)

    def rollback(self) -> tuple[int, int | None]:
        """Move `champion` back to the champion before it; returns (from, to). Raises NothingToRollBackToError.

        An alias that was moved by hand goes back to the last sealed champion, to none where no seal is known.
        """
        current, known = self._champions.alias(CHAMPION), self._champions.sealed()
        if current is not None and known is None:
            self._champions.take_away()
            return current, None
        if current is None or known is None:
            raise NothingToRollBackToError(f"{self.name} has no champion; promote one first")
        if not known.allows(current) or current not in known.champions:  # by hand, or a rollback that was cut short
            self._champions.move(known.champions, current)
            return current, known.champions[-1]
        position = known.champions.index(current)
        if position == 0:
            raise NothingToRollBackToError(f"{self.name} has no champion before version {current}; promote one first")
        target = known.champions[position - 1]
        if EXPIRED in self._version(target).tags:
            raise NothingToRollBackToError(f"the files of version {target} of {self.name} are past their term; train")
        self.note(current, {ROLLED_BACK: "true"})
        self._champions.move(known.champions[:position], current)
        return current, target

    def was_rolled_back(self, version: int) -> bool:
        """Whether a rollback took the alias away from this version. Raises UnknownVersionError."""
        return ROLLED_BACK in self._version(version).tags

    def note(self, version: int, tags: Mapping[str, str]) -> None:
        """Add tags to a version, such as the verdict of its gates."""
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, str(version), key, value[:4000])

    def versions(self) -> dict[int, dict[str, str]]:
        """Every version with its tags, oldest first."""
        found: dict[int, dict[str, str]] = {}
        token: str | None = None
        while True:
            page = self._client.search_model_versions(f"name = '{self.name}'", page_token=token)
            found |= {int(version.version): dict(version.tags) for version in page}
            if not (token := page.token):
                return dict(sorted(found.items()))

    def aliases(self) -> dict[int, tuple[str, ...]]:
        """The versions that aliases lead to, with their aliases by name."""
        found: dict[int, tuple[str, ...]] = {}
        for model in self._client.search_registered_models(f"name = '{self.name}'"):
            for alias, version in sorted(model.aliases.items()):
                found[int(version)] = (*found.get(int(version), ()), alias)
        return found

    def abandoned(self) -> dict[str, str]:
        """Runs that ended without a model and still have files: run -> training set."""
        runs = [r for s in ("FAILED", "KILLED") for r in self._search(f"attributes.status = '{s}'")]
        return {r.info.run_id: str(r.info.run_name) for r in runs if EMPTIED not in r.data.tags}

    def expire(self, version: int, at: str) -> None:
        """Delete a version's files and aliases for good; tags and figures stay, nobody uses it from here on."""
        self.note(version, {EXPIRED: at})
        self._champions.retire(version, self.aliases().get(version, ()))
        self.empty(self.run_id(version), at)
        self.note(version, {EMPTIED: at})

    def empty(self, run_id: str, at: str) -> None:
        """Delete a run's files; its tags and figures stay."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        files = get_artifact_repository(str(self._client.get_run(run_id).info.artifact_uri))
        files.delete_artifacts()  # type: ignore[no-untyped-call]
        self._client.set_tag(run_id, EMPTIED, at)

    def run_id(self, version: int) -> str:
        """The MLflow run that made a version."""
        return str(self._version(version).run_id)

    def describe(self, version: int) -> dict[str, Any]:
        """What a summary says of a version: name, version, alias, rung, what its gates said, and every metric."""
        found = self._version(version)
        metrics = self._client.get_run(str(found.run_id)).data.metrics
        return {
            "name": self.name,
            "version": version,
            "alias": CHAMPION if version == self.champion() else None,
            "rung": found.tags.get("lethe.rung"),
            "decision": found.tags.get("lethe.gates"),
            "verdicts": gates.parse(found.tags.get(gates.VERDICTS, "[]")),
            "metrics": dict(sorted(metrics.items())),
        }

    @cached_property
    def _client(self) -> MlflowClient:
        import_mlflow()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._tracking_uri, registry_uri=self._tracking_uri)

    @cached_property
    def _champions(self) -> Champions:
        return Champions(self._client, self.name, self._seal_key)

    @cached_property
    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            return str(found.experiment_id)
        self._artifact_root.mkdir(parents=True, exist_ok=True)
        return str(self._client.create_experiment(self.name, self._artifact_root.resolve().as_uri()))

    def _search(self, wanted: str) -> list[Run]:
        return list(self._client.search_runs([self._experiment_id], wanted, order_by=["attributes.start_time ASC"]))

    def _register(self, run: Run) -> int:
        from mlflow.exceptions import MlflowException

        with contextlib.suppress(MlflowException):  # it exists already; anything else fails the next call
            self._client.create_registered_model(self.name)
        tags = {k: v for k, v in run.data.tags.items() if k in record.VERSION_TAGS}
        made = self._client.create_model_version(
            self.name, f"{run.info.artifact_uri}/model", run.info.run_id, tags=tags
        )
        return int(made.version)

    def _version(self, version: int) -> ModelVersion:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version(self.name, str(version))
        except MlflowException:
            raise UnknownVersionError(f"{self.name} has no version {version}; see the models page of MLflow") from None

    def _usable(self, version: int) -> ModelVersion:
        found = self._version(version)
        if EXPIRED in found.tags:
            raise ExpiredVersionError(
                f"the files of version {version} of {self.name} were deleted: its training set was past its term"
            )
        return found


def _has_key(key: str) -> str:
    return f"tags.`lethe.training_key` = '{key}'"


def import_mlflow() -> None:
    """Import MLflow (2.8 s) with telemetry and progress bars off."""
    from warehouse.settings import TELEMETRY_OFF, export

    quiet = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    export({name: TELEMETRY_OFF[name] for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")} | quiet)
    import mlflow  # noqa: F401 - imported for the cache of modules

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
