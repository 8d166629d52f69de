"""Targets from the asset graph: where every asset that is made of people's rows writes, and that erasure looks there.

Pure: the graph comes as asset -> parents. That each table with a key has a rule is targets.require_cover's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from privacy.erasure.errors import UncoveredCarrierError

Parents = Mapping[str, Collection[str]]  # asset key like safe/pseudonymous_events -> those it is made from
# Where people's rows come in.
ROOTS = ("raw/system_logs", "raw/imports", "consent/consent_events")
# What an asset writes, where that is not the table of its name.
PLACES: dict[str, tuple[str, ...]] = {
    "consent/overview": ("dagster",),  # counts, as metadata
    "quality/raw_in": ("quality.gate_results",),
    "quality/features_out": ("quality.gate_results", "quality.drift_results"),
    "quality/predictions_out": ("quality.gate_results",),
    "ml/lifetime_values": ("ml.lifetime_fits", "ml.lifetime_values"),
    "ml/risk_scores": ("ml.risk_scores",),
    "ml/training_set": ("ml.training_sets", "ml.training_subjects"),
    "ml/churn_candidate": ("mlflow",),
    "ml/churn_champion": ("mlflow",),
    "ml/next_action_training_set": ("ml.training_sets", "ml.training_subjects"),
    "ml/next_action_candidate": ("mlflow",),
    "ml/next_action_champion": ("mlflow",),
    "ml/churn_monitoring": ("ml.model_feedback", "quality.drift_results", "dagster"),  # Dagster: counts and figures
}
# Places that are no table of ours: every byte is searched (sweep.py), and models are followed from training set to
# run to version and marked (ml/taint.py).
SEARCHED = ("dagster", "mlflow")


def asset_targets(parents: Parents) -> dict[str, tuple[str, ...]]:
    """Every asset that people's rows reach, with the tables and stores that it writes."""
    return {asset: PLACES.get(asset, (asset.replace("/", "."),)) for asset in sorted(_reached(parents))}


def require_assets(parents: Parents, tables: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The targets of a graph. Raises UncoveredCarrierError for an asset that writes where erasure does not look.

    tables: those of the live database and of dbt's manifest, whose columns are analysed for keys.
    """
    known = {*tables, *SEARCHED}
    found = asset_targets(parents)
    missing = [f"{asset} ({place})" for asset, places in found.items() for place in places if place not in known]
    if missing:
        raise UncoveredCarrierError(
            f"{len(missing)} assets are made of people's rows and write where no erasure looks: "
            f"{'; '.join(missing[:10])}; name their tables in PLACES of privacy/erasure/assets.py"
        )
    return found


def _reached(parents: Parents) -> set[str]:
    """The roots that are there and everything made from them."""
    children: dict[str, set[str]] = {}
    for asset, above in parents.items():
        for parent in above:
            children.setdefault(parent, set()).add(asset)
    found: set[str] = set()
    waiting = [root for root in ROOTS if root in parents]
    while waiting:
        asset = waiting.pop()
        if asset not in found:
            found.add(asset)
            waiting += children.get(asset, ())
    return found
