"""The one place that reads the environment. Everything else receives a Settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

JOURNAL_LEVELS = ("DEBUG", "INFO", "ERROR", "OFF")


class InvalidSettingError(Exception):
    """A setting from the environment that cannot be used; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where state lives and how the platform behaves; one Settings is one home."""

    home: Path
    database_url: str | None = None
    fixed_clock: datetime | None = None
    journal_level: str = "INFO"
    shared_data: Path | None = None
    dbt_select: str | None = None  # which dbt models a run builds, in dbt's selection syntax; all where it is not said
    four_eyes: frozenset[str] = frozenset()  # models whose promotion two people approve
    master_key: str | None = field(default=None, repr=False)  # of the vault; read by privacy.vault.masters

    @classmethod
    def load(cls, home: Path | None = None) -> Settings:
        """Settings from the environment; an explicit home wins over LETHE_HOME and the default."""
        return cls(
            home=(home or _home_from_environment()).expanduser().resolve(),
            database_url=os.environ.get("LETHE_DATABASE_URL") or None,
            fixed_clock=_clock(os.environ.get("LETHE_CLOCK")),
            shared_data=_path(os.environ.get("LETHE_SHARED_DATA")),
            dbt_select=os.environ.get("LETHE_DBT_SELECT") or None,
            four_eyes=frozenset(os.environ.get("LETHE_FOUR_EYES", "").replace(",", " ").split()),
            master_key=os.environ.get("LETHE_MASTER_KEY") or None,
            journal_level=_journal_level(os.environ.get("LETHE_JOURNAL_LEVEL", "INFO")),
        )

    def now(self) -> datetime:
        """The current time (aware UTC), or the time LETHE_CLOCK fixes for reproducible runs."""
        return self.fixed_clock or datetime.now(UTC)

    def environment(self, **extra: str) -> dict[str, str]:
        """The environment for a child process: this one, this home, and telemetry off everywhere."""
        return {**os.environ, "LETHE_HOME": str(self.home), **TELEMETRY_OFF, **extra}


# Every tool of the stack reports home by default; each switch is the tool's own documented one.
TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def export(variables: dict[str, str]) -> None:
    """Set variables for libraries that only read the environment of this process."""
    os.environ.update(variables)


def export_missing(variables: dict[str, str]) -> None:
    """Set only those variables that this process does not have."""
    export({name: value for name, value in variables.items() if name not in os.environ})


def _home_from_environment() -> Path:
    if value := os.environ.get("LETHE_HOME"):
        return Path(value)
    import platformdirs

    return Path(platformdirs.user_data_dir("lethe"))


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None


def _clock(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidSettingError("LETHE_CLOCK is no ISO 8601 time; write 2026-01-31T00:00:00+00:00") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _journal_level(value: str) -> str:
    level = value.upper()
    if level not in JOURNAL_LEVELS:
        raise InvalidSettingError(f"LETHE_JOURNAL_LEVEL must be one of {', '.join(JOURNAL_LEVELS)}")
    return level
