"""The pictures are pictures, the importance finds what matters, the card can be read and carries no subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml import card, plots, record
from ml.journal import Journal
from ml.training import Fitted, fit_candidate
from ml.training_sets import TrainingSet


@pytest.fixture
def fitted(small_set: TrainingSet, journal: Journal) -> Fitted:
    return fit_candidate(small_set, journal, lambda _: None)


def test_every_plot_is_a_png(fitted: Fitted) -> None:
    made = [
        plots.curves(fitted.rows.outcomes, fitted.scores),
        plots.calibration(fitted.rows.outcomes, fitted.scores),
        plots.importance([("recency_days", 0.1), ("noise", -0.001)]),
    ]
    assert all(png.startswith(b"\x89PNG") and len(png) > 5_000 for png in made)


def test_importance_puts_what_matters_before_noise(fitted: Fitted) -> None:
    shares = plots.permutation_importance(fitted.pipeline, fitted.rows.features, fitted.rows.labels)
    assert {shares[0][0], shares[1][0]} <= {"days_since_last_event", "n_events_28d"}
    assert np.isfinite([value for _, value in shares]).all()
    assert shares == plots.permutation_importance(fitted.pipeline, fitted.rows.features, fitted.rows.labels)


def test_the_card_is_plain_html_with_figures_and_origin(fitted: Fitted) -> None:
    page = card.render(fitted, [("<b>recency", 0.1)], {"lethe.code_version": "0.1.0"}, {"curves": b"x"})
    assert "&lt;b&gt;recency" in page
    assert "0.1.0" in page
    assert str(fitted.report.evaluation.figures["auc_roc"]) in page
    assert "s000" not in page


def test_metrics_are_numbers_with_bounds(fitted: Fitted, tmp_path: Path) -> None:
    found = record.metrics(fitted)
    assert {"recency_alone/auc_roc", "with_bots/auc_roc", "validation/majority/auc_roc"} <= set(found)
    assert all(isinstance(value, float) for value in found.values())
    record.write_files(tmp_path, fitted, {"lethe.code_version": "0.1.0"})
    assert (tmp_path / "plots" / "roc_pr.png").stat().st_size > 5_000
