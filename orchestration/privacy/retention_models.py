"""Files of models under retention: the term of training data, legal holds, and MLflow behind ml.expiry. Wiring only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

    from ml.expiry import OldModel
    from orchestration.platform import Platform
    from privacy.retention.planning import Line
    from privacy.retention.policies import Policy
    from privacy.retention.terms import Terms

POLICY = "ml_training_data"
METHOD = "models"
NOTICE = timedelta(days=30)  # how long before its end a model in use is named, and trained again for


@dataclass(frozen=True, slots=True)
class OldModels:
    """Models past the term of their training set whose files go, and those in use that are or soon will be."""

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
        for registry in platform.registries:
            expiry.expire(registry, [model for model in found.going if model.model == registry.name], now)
        step.record(found.line)
    return found


def ending(platform: Platform, version: int) -> str | None:
    """What a training is due for: the version's term ends within the notice. None where it does not, or is held."""
    mine = (platform.registry.name, version)
    found = next((model for model in planned(platform).in_use if (model.model, model.version) == mine), None)
    return None if found is None else f"{found} is near or past its term; what is in use goes with it"


def _find(conn: psycopg.Connection, platform: Platform, found: Terms) -> OldModels:
    from ml.expiry import old_models
    from privacy.retention.files import MODELS
    from privacy.retention.holds import holds_file
    from privacy.retention.planning import Line

    cutoff_on = found.cutoff(POLICY)
    until = cutoff_on and cutoff_on + _notice(found.policies[POLICY])
    near = [model for registry in platform.registries for model in old_models(conn, registry, until)]
    free = [model for model in near if not holds_file(found.holds, MODELS, model.made_on)]
    going = tuple(model for model in free if cutoff_on and model.made_on < cutoff_on)
    n_held = sum(model.made_on < cutoff_on for model in near if cutoff_on) - len(going)
    line = Line(MODELS, POLICY, cutoff_on, METHOD, len(going), n_held)
    return OldModels(line, going, tuple(model for model in free if model.is_in_use))


def _notice(policy: Policy) -> timedelta:
    """Half a short term: the notice must begin after the training."""
    return NOTICE if policy.days is None else min(NOTICE, timedelta(days=policy.days // 2))
