"""One home opened: its database, vault, registry, journal and folders. What assets and commands work with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import ConfigurableResource

from warehouse.database import Database
from warehouse.settings import Settings

if TYPE_CHECKING:
    from ml.journal import Journal
    from ml.registry import Registry
    from privacy.vault import Vault

PROJECT = Path(__file__).resolve().parents[1]
Echo = Callable[[str], None]


def _unheard(_text: str) -> None:
    """Nobody listens: a service has its logs."""


@dataclass(frozen=True)
class Platform:
    """A home and its open database. `echo` tells a person what happens; a service has nobody to tell."""

    settings: Settings
    database: Database
    echo: Echo = _unheard

    @classmethod
    def open(cls, settings: Settings, echo: Echo | None = None) -> Platform:
        """Start and migrate the database when needed; a restored one forgets again first. Raises WarehouseError."""
        from orchestration.privacy.erasure import catch_up

        platform = cls(settings, Database.open(settings), echo or _unheard)
        if replay := catch_up(platform, settings.now()):
            platform.echo(f"the database was restored: {replay.n_erasures} erasures were done again")
        return platform

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def logs(self) -> Path:
        """Where the decision journal is."""
        return self.home / "logs"

    @cached_property
    def vault(self) -> Vault:
        """The keys of this home, outside the database and its backups."""
        from privacy.vault import Vault

        return Vault.of(self.settings)

    @cached_property
    def registry(self) -> Registry:
        """The churn model's registry, in MLflow on this home's database."""
        from ml.registry import Registry

        key = self.vault.purpose_key("champion")
        return Registry(self.database.url("mlflow", "psycopg2"), self.home / "mlflow" / "artifacts", seal_key=key)

    @property
    def registries(self) -> tuple[Registry, ...]:
        """The registry of every model of this home, `registry` first."""
        from ml.gates import POLICIES

        return tuple(self.registry_of(name) for name in POLICIES)

    def registry_of(self, name: str) -> Registry:
        """The registry of one model, by a name of ml.gates.POLICIES."""
        return self.registry if name == self.registry.name else self.registry.of(name)

    def journal(self) -> Journal:
        """A decision journal to be closed after use."""
        from ml.journal import Journal

        return Journal(self.logs, now=self.settings.now, level=self.settings.journal_level)


class PlatformResource(ConfigurableResource["PlatformResource"]):
    """The platform of one home, as Dagster hands it to assets, checks and sensors."""

    home: str

    def open(self) -> Platform:
        """The open platform; one per process and home."""
        return platform_of(Path(self.home))


_echoes: dict[Path, Echo] = {}


def tell(home: Path, echo: Echo) -> None:
    """Let assets that run in this process report to a person."""
    _echoes[home] = echo
    platform_of.cache_clear()


@lru_cache(maxsize=4)
def platform_of(home: Path) -> Platform:
    """The platform of a home, opened once per process."""
    return Platform.open(Settings.load(home), _echoes.get(home))


@lru_cache(maxsize=1)
def code_version() -> str:
    """The installed version, with the commit where the project is a checkout."""
    if shutil.which("git") is None:  # in a container
        return version("lethe")
    found = subprocess.run(
        ["git", "-C", str(PROJECT), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    commit = found.stdout.strip()
    return f"{version('lethe')}+{commit}" if found.returncode == 0 and commit else version("lethe")
