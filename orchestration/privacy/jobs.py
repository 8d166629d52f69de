"""What Dagster loads of the privacy areas: assets, jobs, schedules and sensors of every module that has some."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

AREAS = (
    "consent", "classification", "identities", "anonymity", "retention", "breaches", "requests", "erasure", "budget",
    "keys", "multi_party", "osint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """Lists as Dagster's Definitions takes them."""

    assets: list[Any]
    jobs: list[Any]
    schedules: list[Any]
    sensors: list[Any]


def parts() -> Parts:
    """Every area's module `<area>_jobs` may have the lists ASSETS, JOBS, SCHEDULES and SENSORS."""
    modules = [import_module(f"orchestration.privacy.{area}_jobs") for area in AREAS]
    found = (
        [part for module in modules for part in getattr(module, name, ())]
        for name in ("ASSETS", "JOBS", "SCHEDULES", "SENSORS")
    )
    return Parts(*found)
