"""A home that a planted log went through, and everything that can be searched of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.canary import stores
from tests.canary.planting import PlantedLog
from tests.canary.search import Search, Searched
from tests.homes import Finished, Home
from warehouse.embedded import EmbeddedServer

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class WatchedHome:
    """A home whose commands run in folders of their own, so that whatever they leave anywhere is searched."""

    home: Home
    log: PlantedLog
    search: Search
    surroundings: Path
    said: dict[str, Finished] = field(default_factory=dict)

    @property
    def given(self) -> Path:
        """What is handed to people, or to who must tell them: with the packages the one place that holds values."""
        return self.surroundings.with_name("given")

    def ask(self, user: str, leaving: list[str], staying: list[str], timeout: float = 600) -> Finished:
        """What people ask of the home, a breach, and what officers do besides: see asking.py."""
        self.given.mkdir(mode=0o700)
        people = {"user": user, "leaving": leaving, "staying": staying}
        asked = {"home": str(self.home.path), "given": str(self.given), **people}
        return self._started([sys.executable, "-m", "tests.canary.asking"], "asked", json.dumps(asked), timeout)

    def run(self, *arguments: str, timeout: float = 400) -> Finished:
        """Run a command and keep what it says."""
        return self._started(self.home.command(*arguments), " ".join(arguments[:2]), "", timeout)

    def _started(self, command: list[str], name: str, told: str, timeout: float) -> Finished:
        folders = {name: self.surroundings / name for name in ("work", "user", "tmp")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        own = {"HOME": str(folders["user"]), "TMPDIR": str(folders["tmp"]), "MPLCONFIGDIR": _font_cache()}
        own |= {"PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout, input=told,
            cwd=folders["work"], env=self.home.environment | own,
        )  # fmt: skip
        finished = Finished(done.returncode, done.stdout, done.stderr)
        self.said[f"{len(self.said)} {name}"] = finished
        return finished

    def everything(self) -> Searched:
        """Search every store that is not meant to hold people."""
        database = self.home.database()
        return self.search.over(
            chain(stores.tables(database), stores.catalogue(database), self.files(), self.server_log(), self.output())
        )

    def files(self) -> Iterator[stores.Item]:
        """Files of the home, its surroundings and dbt's project, without the vault, the server's own, and packages."""
        yield from stores.files(
            self.home.path, tuple(self.home.path / name for name in ("vault", "postgres", "exports"))
        )
        yield from stores.files(self.surroundings)
        yield from stores.files(PROJECT / "dbt_project")

    def server_log(self) -> Iterator[stores.Item]:
        """What the embedded server logged; a server by URL keeps its log to itself."""
        if self.home.url is None:
            folder = EmbeddedServer.of(self.home.path.resolve()).folder
            yield "log", "server.log", (folder / "server.log").read_bytes()

    def output(self) -> Iterator[stores.Item]:
        """What the commands said."""
        for name, finished in self.said.items():
            yield "output", f"{name} stdout", finished.out.encode()
            yield "output", f"{name} stderr", finished.err.encode()


def _font_cache() -> str:
    """Where matplotlib keeps its list of fonts: made once a machine, not once a home."""
    return os.environ.get("MPLCONFIGDIR", str(Path.home() / ".config" / "matplotlib"))
