"""What is written down about a next-action model: parameters, figures, files, its card. No value of a row."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml import plots
from ml.evaluation import Outcomes
from ml.next_action import card

if TYPE_CHECKING:
    from ml.intervals import Figure
    from ml.next_action.training import Fitted


def params(fitted: Fitted) -> dict[str, str]:
    """The model's settings and the policy of the training set."""
    policy = {f"policy.{k}": str(v) for k, v in fitted.training_set.manifest["policy"].items()}
    return {"rung": fitted.rung, **{k: str(v) for k, v in fitted.model.get_params().items()}, **policy}


def metrics(fitted: Fitted) -> dict[str, float]:
    """Every measure with its interval, of the model, its baseline and the difference; slices and the attack."""
    report, found = fitted.report, dict[str, float]()
    for name, item in report.measures.items():
        found |= _figure(name, item.model) | _figure(f"baseline/{name}", item.other)
        found |= _figure(f"gain/{name}", item.gain)
    ladder = fitted.ladder
    for name, left_out in (("mixture", ladder.mixture), ("chain", ladder.chain), ("network", ladder.network)):
        found |= _figure(f"validation/{name}/mrr", left_out) if left_out else {}
    found |= {"ece": report.ece, "seconds": fitted.seconds}
    for part in report.slices:
        found |= {f"slice/{part.name}/mrr": part.figure.value, f"slice/{part.name}/n_rows": float(part.n_rows)}
    if (told := report.membership) is not None:
        found |= {"membership/auc": told.auc, "membership/true_alarms": told.true_alarms}
    return found


def facts(fitted: Fitted) -> dict[str, Any]:
    """What a later run needs to take this version again without training."""
    told = fitted.report.membership
    return {
        "ladder": fitted.ladder.document(),
        "seconds": fitted.seconds,
        "membership": asdict(told) if told else None,
        "mrr": asdict(fitted.report.measures["mrr"].model),
    }


def pictures(fitted: Fitted) -> dict[str, bytes]:
    """The model beside its baseline, and how sure it is beside how often it is right."""
    beside = {
        name: {fitted.rung: item.model.value, fitted.report.baseline: item.other.value}
        for name, item in fitted.report.measures.items()
    }
    right = fitted.ours.is_right
    outcomes = Outcomes(right.astype(np.float64), np.zeros(len(right), dtype=np.int64), 1)
    return {
        "ranking": plots.bars(beside, "Later sessions"),
        "calibration": plots.calibration(outcomes, fitted.ours.confidence, share="share where it was taken"),
    }


def write_files(folder: Path, fitted: Fitted, made_from: dict[str, str]) -> None:
    """Plots, the model card, the manifest and the facts, beside the model."""
    shown = pictures(fitted)
    (folder / "plots").mkdir()
    for name, png in shown.items():
        (folder / "plots" / f"{name}.png").write_bytes(png)
    (folder / "model_card.html").write_text(card.render(fitted, made_from, shown), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(dict(fitted.training_set.manifest), indent=1))
    (folder / "facts.json").write_text(json.dumps(facts(fitted)))


def _figure(name: str, item: Figure) -> dict[str, float]:
    return {name: item.value, f"{name}_low": item.low, f"{name}_high": item.high}
