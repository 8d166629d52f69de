"""Homes for tests: the command as a person runs it, in a process of its own, on a database of its own."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.forks import fork_server
from tests.memory import destroy, keep_in_memory
from warehouse.database import ADMIN, Address, Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

_numbers = itertools.count()
LETHE = str(Path(sys.executable).with_name("lethe"))
CLOCK = "2026-11-20T12:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object on the last line of standard output."""
        found: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return found


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder and how to run commands in it. `url` names a database on a server that is not the home's.

    `select` says which dbt models its runs build, where that is not all.
    """

    path: Path
    url: str | None = None
    select: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        extra = {"LETHE_DATABASE_URL": self.url} if self.url else {}
        extra |= {"LETHE_DBT_SELECT": self.select} if self.select else {}
        return Settings.load(self.path).environment(LETHE_CLOCK=CLOCK, **extra)

    def command(self, *arguments: str) -> list[str]:
        return [LETHE, *arguments, "--home", str(self.path)]

    def run(self, *arguments: str, timeout: float = 600) -> Finished:
        """Run a `lethe` command to its end."""
        return run(self.command(*arguments), self.environment, timeout)

    def database(self) -> Database:
        settings = Settings.load(self.path)
        return Database.open(Settings(settings.home, self.url or settings.database_url))

    def remove(self) -> None:
        """End the home's server; a database on another server ends with that server."""
        if self.url is None:
            destroy(EmbeddedServer.of(self.path.resolve()))


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> Finished:
    """Run a `lethe` command to its end, in a process of its own."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        code = fork_server().start(command, environment, out.fileno(), err.fileno()).wait(timeout)
        out.seek(0)
        err.seek(0)
        return Finished(code, out.read(), err.read())


def make_home(folder: Path, select: str | None = None, *, is_large: bool = False) -> Home:
    """A new home: on its own embedded server, or on a database of its own where LETHE_DATABASE_URL names a server.

    is_large: its database may outgrow memory, so it lies on disk.
    """
    settings = Settings.load(folder)
    if settings.database_url is None:
        if not is_large:
            keep_in_memory(EmbeddedServer.of(folder.resolve()))
        return Home(folder, select=select)
    address = Address.parse(settings.database_url)
    name = f"home_{os.getpid()}_{next(_numbers)}"
    server = Database(address, {}, address.database)
    with server.connect(ADMIN, autocommit=True) as conn:
        conn.execute(f'create database "{name}"'.encode())
    return Home(folder, settings.database_url.rsplit("/", 1)[0] + f"/{name}", select)
