"""What is written down: tags of any model; parameters, metrics and files of churn. No MLflow, no value of a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml import artifacts, card, churn, plots

if TYPE_CHECKING:
    from ml.contenders import Trained
    from ml.evaluation import Evaluation
    from ml.training import Fitted

VERSION_TAGS = frozenset(
    {
        "lethe.training_key", "lethe.training_set_id", "lethe.training_set_digest", "lethe.artifact_sha256",
        "lethe.artifact_bytes", "lethe.learned_digest", "lethe.rung", "lethe.code_version",
    }
)  # fmt: skip


def tags(fitted: Trained, key: str) -> dict[str, str]:
    """Everything that made the model, by digest; of whatever family it is."""
    manifest = fitted.training_set.manifest
    partitions = manifest["raw_partitions"]
    return {
        "lethe.training_key": key,
        "lethe.training_set_id": fitted.training_set.training_set_id,
        "lethe.training_set_digest": fitted.training_set.digest,
        "lethe.dataset_digest": manifest["dataset_digest"],
        "lethe.dbt_manifest_hash": manifest["dbt_manifest_hash"],
        "lethe.consent_snapshot": manifest["consent_snapshot"],
        "lethe.code_version": manifest["code_version"],
        "lethe.raw_partitions": f"{len(partitions)}: {min(partitions, default='-')} to {max(partitions, default='-')}",
        "lethe.learned_digest": artifacts.learned_digest(fitted.pipeline),
        "lethe.rung": fitted.rung,
    }


def file_tags(path: Path) -> dict[str, str]:
    """Digest and size of the model file."""
    return {"lethe.artifact_sha256": artifacts.file_digest(path), "lethe.artifact_bytes": str(path.stat().st_size)}


def params(fitted: Fitted) -> dict[str, str]:
    """The settings of the chosen rung and the policy of the training set."""
    policy = {f"policy.{k}": str(v) for k, v in fitted.training_set.manifest["policy"].items()}
    settings = {k: str(v) for k, v in churn.SETTINGS[fitted.ladder.chosen].items()}
    return {"rung": fitted.ladder.chosen, "seed": str(churn.SEED), "recipe": str(churn.RECIPE), **settings, **policy}


def metrics(fitted: Fitted) -> dict[str, float]:
    """Every measured figure with its interval; baselines, bots and slices under their own prefix."""
    report = fitted.report
    found = _figures("", report.evaluation) | _figures("with_bots/", report.with_bots)
    if report.trained_with_bots is not None:
        found |= _figures("trained_with_bots/", report.trained_with_bots)
    if report.recency is not None:
        found |= _figures("recency_alone/", report.recency)
    if (told := report.membership) is not None:
        found |= {"membership/auc": told.auc, "membership/true_alarms": told.true_alarms}
    if (guessed := report.inversion) is not None:
        found |= {"inversion/by_model": guessed.by_model, "inversion/by_imputer": guessed.by_imputer}
        found |= {"inversion/gain": guessed.gain.value, "inversion/gain_high": guessed.gain.high}
    for rung in fitted.ladder.rungs:
        found |= _figures(f"validation/{rung.name}/", rung.evaluation)
    for item in report.slices:
        found[f"slice/{item.name}/auc_roc"] = item.figure.value
        found[f"slice/{item.name}/n_rows"] = float(item.n_rows)
    return found


def facts(fitted: Fitted, shares: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """What a later run needs to take this version again without training, and what its drift is weighed by."""
    return {
        "ladder": fitted.ladder.document(),
        "strongest_feature": list(fitted.report.strongest_feature),
        "importance": dict(shares),
        "auc": asdict(fitted.report.evaluation.figures["auc_roc"]),
        "membership": asdict(fitted.report.membership) if fitted.report.membership else None,
        "inversion": asdict(fitted.report.inversion) if fitted.report.inversion else None,
    }


def write_files(folder: Path, fitted: Fitted, made_from: dict[str, str]) -> None:
    """Plots, the model card, the manifest and the facts, beside the model."""
    shares = plots.permutation_importance(fitted.pipeline, fitted.rows.features, fitted.rows.labels)
    pictures = {
        "roc_pr": plots.curves(fitted.rows.outcomes, fitted.scores),
        "calibration": plots.calibration(fitted.rows.outcomes, fitted.scores),
        "feature_importance": plots.importance(shares),
    }
    (folder / "plots").mkdir()
    for name, png in pictures.items():
        (folder / "plots" / f"{name}.png").write_bytes(png)
    (folder / "feature_importance.json").write_text(json.dumps(dict(shares), indent=1))
    (folder / "model_card.html").write_text(card.render(fitted, shares, made_from, pictures), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(dict(fitted.training_set.manifest), indent=1))
    (folder / "facts.json").write_text(json.dumps(facts(fitted, shares)))


def requirements() -> list[str]:
    """The packages that loading the model needs, as installed here."""
    return [f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "numpy", "pandas")]


def _figures(prefix: str, evaluation: Evaluation) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, item in evaluation.figures.items():
        found |= {f"{prefix}{name}": item.value, f"{prefix}{name}_low": item.low, f"{prefix}{name}_high": item.high}
    return found
