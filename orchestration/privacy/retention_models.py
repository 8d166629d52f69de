"""Files of models under retention: the term of training data, legal holds, and MLflow behind ml.expiry. Wiring only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

    from ml.expiry import OldModel
    from orchestration.platform import Platform
    from privacy.retention.planning import Line
    from privacy.retention.terms import Terms

POLICY = "ml_training_data"
METHOD = "models"


@dataclass(frozen=True, slots=True)
class OldModels:
    """Models past the term of their training set: those whose files go, those held, those that an alias keeps."""

    line: Line
    going: tuple[OldModel, ...]
    in_use: tuple[OldModel, ...]


def planned(platform: Platform) -> OldModels:
    """The dry run: what expire() would do now. Changes nothing."""
    from privacy.retention.holds import in_force
    from privacy.retention.terms import terms

    now = platform.settings.now()
    with platform.database.connect("erasure") as conn:
        found = _find(conn, platform, terms(conn, now, in_force(conn, now)))
        conn.rollback()
    return found


def expire(platform: Platform) -> OldModels:
    """Delete the files of models past their term, and write the count down; no hold is placed meanwhile."""
    from ml import expiry
    from privacy.retention.deletion import Step
    from privacy.retention.holds import keyed_by
    from privacy.retention.terms import terms

    now = platform.settings.now()
    with platform.database.connect("erasure") as conn:
        step = Step.begin(conn, terms(conn, now), keyed_by(platform.vault))
        found = _find(conn, platform, step.terms)
        expiry.expire(platform.registry, found.going, now)
        step.record(found.line)
    return found


def _find(conn: psycopg.Connection, platform: Platform, found: Terms) -> OldModels:
    from ml.expiry import old_models
    from privacy.retention.files import MODELS
    from privacy.retention.holds import holds_file
    from privacy.retention.planning import Line

    cutoff_on = found.cutoff(POLICY)
    old = old_models(conn, platform.registry, cutoff_on)
    idle = [model for model in old if not model.is_in_use]
    going = tuple(model for model in idle if not holds_file(found.holds, MODELS, model.made_on))
    line = Line(MODELS, POLICY, cutoff_on, METHOD, len(going), len(idle) - len(going))
    return OldModels(line, going, tuple(model for model in old if model.is_in_use))
