"""How Dagster and the command line call dbt: project, login and target folder. The models are in dbt_project/."""

from __future__ import annotations

import contextlib
import hashlib
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from orchestration.platform import PROJECT
from warehouse.errors import WarehouseError
from warehouse.settings import Settings, export

if TYPE_CHECKING:
    from warehouse.database import Database

PROJECT_DIR = PROJECT / "dbt_project"
EXECUTABLE = str(Path(sys.executable).with_name("dbt"))  # of this environment, whatever PATH says


class DbtParseError(WarehouseError):
    """dbt cannot read the project; the message is dbt's."""


def login(database: Database) -> dict[str, str]:
    """The environment that profiles.yml reads."""
    return {
        "LETHE_DBT_HOST": database.address.host,
        "LETHE_DBT_PORT": str(database.address.port),
        "LETHE_DBT_USER": database.role("dbt"),
        "LETHE_DBT_PASSWORD": database.passwords["dbt"],
        "LETHE_DBT_DBNAME": database.address.database,
    }


def developer_login(database: Database, name: str, password: str) -> dict[str, str]:
    """The environment for target dev: a login with this password, made for a schema that is empty now."""
    from warehouse.developers import add_developer

    user, schema = add_developer(database, name, password)
    own = {"LETHE_DBT_USER": user, "LETHE_DBT_PASSWORD": password, "LETHE_DBT_SCHEMA": schema, "DBT_TARGET": "dev"}
    return login(database) | own


NO_LOGIN = {
    "LETHE_DBT_HOST": "127.0.0.1",
    "LETHE_DBT_PORT": "1",
    "LETHE_DBT_USER": "nobody",
    "LETHE_DBT_PASSWORD": "",
    "LETHE_DBT_DBNAME": "none",
}


def target_path(settings: Settings) -> Path:
    """Where dbt puts manifest, compiled SQL and run results: under the home, not in the project."""
    return settings.home / "dbt"


def manifest_path(settings: Settings) -> Path:
    """The manifest of the project as it is now; parsed when a file of the project changed.

    Parsing needs no database, but dbt wants a login in the environment (NO_LOGIN will do). Raises DbtParseError
    with dbt's words.
    """
    target = target_path(settings)
    manifest, stamp = target / "manifest.json", target / "project.digest"
    digest = project_digest()
    if not manifest.exists() or not stamp.exists() or stamp.read_text() != digest:
        target.mkdir(parents=True, exist_ok=True)
        command = [EXECUTABLE, "parse", "--quiet", *directories(settings)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=settings.environment(), cwd=PROJECT
        )
        if done.returncode != 0:
            raise DbtParseError(f"dbt cannot parse {PROJECT_DIR}:\n{(done.stdout + done.stderr).strip()[-2000:]}")
        stamp.write_text(digest)
    return manifest


def directories(settings: Settings) -> list[str]:
    """The options that tell dbt where its project, profile and output are."""
    target = str(target_path(settings))
    return [
        "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
        "--target-path", target, "--log-path", target,
    ]  # fmt: skip


def project_digest() -> str:
    """A digest of every file that dbt reads, which stands for the manifest in provenance."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT_DIR.rglob("*")):
        if path.suffix in (".sql", ".yml") and not {"target", "logs"} & set(path.relative_to(PROJECT_DIR).parts):
            digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class _BuildLog(io.TextIOBase):
    """Takes dbt's output: all of it into a file, finished models and failures to the person as well."""

    def __init__(self, echo: Callable[[str], None], file: TextIO) -> None:
        self._echo = echo
        self._file = file

    def write(self, text: str) -> int:
        if " OK created " in text or " ERROR " in text or " FAIL " in text:
            self._echo("  ".join(text.replace(".", " ").split("  ")[:1]).strip())
        return self._file.write(text)

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def told(echo: Callable[[str], None], path: Path) -> Iterator[None]:
    """Keep what dbt prints out of the command's own output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file, contextlib.redirect_stdout(_BuildLog(echo, file)):
        yield


def use_login(database: Database) -> None:
    """Let dbt processes started from here log in as the dbt role."""
    export(login(database))
