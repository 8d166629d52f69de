"""The database of one home: reachable, migrated, with one role per stage. The way every stage connects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

import psycopg
from psycopg import sql

from warehouse import roles
from warehouse.cursor import DiscreetCursor
from warehouse.embedded import EmbeddedServer
from warehouse.errors import DatabaseUnreachableError, InvalidAddressError, UnsupportedServerError
from warehouse.migrations import apply_pending, available
from warehouse.secrets import load_or_create
from warehouse.settings import Settings

ADMIN = "admin"
PGVECTOR = "vector"
OLDEST_SERVER = 160000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a PostgreSQL database is and who administers it."""

    host: str
    port: int
    database: str
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """An address from a URL like postgresql://user:password@host:5432/database."""
        parts = urlsplit(url)
        if not parts.scheme.startswith("postgres") or not parts.hostname or len(parts.path) < 2 or not _has_port(parts):
            raise InvalidAddressError(
                "LETHE_DATABASE_URL is no database address; write postgresql://user:password@host:5432/database"
            )
        return cls(
            parts.hostname,
            parts.port or 5432,
            unquote(parts.path[1:]),
            unquote(parts.username or "postgres"),
            unquote(parts.password or ""),
        )


@dataclass(frozen=True, slots=True)
class Database:
    """An open door to the warehouse: `connect(stage)` and `url(stage)`."""

    address: Address
    passwords: dict[str, str]
    role_prefix: str

    @classmethod
    def open(cls, settings: Settings) -> Database:
        """Start the embedded server when no URL is set, create what is missing, and migrate.

        Raises ServerStartError, DatabaseUnreachableError, UnsupportedServerError or MigrationChangedError.
        """
        passwords = load_or_create(settings.home / "credentials.json", (ADMIN, *roles.STAGES))
        if settings.database_url:
            address = Address.parse(settings.database_url)
        else:
            port = EmbeddedServer.of(settings.home).start()
            address = Address("127.0.0.1", port, "lethe", "lethe", passwords[ADMIN])
            _create_database(address)
        database = cls(address, passwords, address.database)
        database.migrate()
        return database

    def connect(self, stage: str, *, autocommit: bool = False) -> psycopg.Connection:
        """A connection as the stage's role; `admin` is the owner of the database."""
        user, password = self._login(stage)
        return _connect(self.address, user, password, autocommit=autocommit, application=f"lethe {stage}")

    def url(self, stage: str, driver: str | None = None) -> str:
        """The SQLAlchemy or libpq URL for a stage, like postgresql+psycopg://..."""
        user, password = self._login(stage)
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        where = f"{self.address.host}:{self.address.port}/{quote(self.address.database, safe='')}"
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{where}"

    def role(self, stage: str) -> str:
        """The PostgreSQL role of a stage."""
        return roles.role_name(self.role_prefix, stage)

    def migrate(self) -> list[str]:
        """Bring schemas, roles and grants up to date; returns the migrations applied."""
        with self.connect(ADMIN) as conn:
            conn.execute("select pg_advisory_xact_lock(hashtext('lethe.migrate'))")
            state = self._desired_state()
            if _current_state(conn) == state:
                return []
            _require_supported(conn)
            applied = apply_pending(conn)
            self._secure(conn)
            conn.execute("create table if not exists warehouse.state (digest text not null)")
            conn.execute("delete from warehouse.state")
            conn.execute("insert into warehouse.state values (%s)", (state,))
            return applied

    def _secure(self, conn: psycopg.Connection) -> None:
        """Create roles, schemas and grants. Runs in the migration's transaction."""
        name = self.address.database
        statements = [
            *(
                statement
                for stage in roles.STAGES
                for statement in (
                    *roles.create_role(self.role_prefix, stage, _literal(conn, self.passwords[stage])),
                    *roles.configure_role(name, self.role_prefix, stage),
                )
            ),
            *(statement for schema in roles.SCHEMAS for statement in roles.grant_schema(self.role_prefix, schema)),
            f'grant execute on function raw.ensure_partitions(date, date) to "{self.role("collection")}"',
        ]
        for statement in statements:
            conn.execute(statement.encode())

    def _desired_state(self) -> str:
        """A digest of everything `migrate` brings about, so that an up-to-date database costs one query."""
        facts = [self.role_prefix, repr(roles.SCHEMAS), repr(sorted(self.passwords.items()))]
        facts += [migration.digest for migration in available()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def _login(self, stage: str) -> tuple[str, str]:
        if stage == ADMIN:
            return self.address.user, self.address.password
        return self.role(stage), self.passwords[stage]


def _has_port(parts: SplitResult) -> bool:
    """Whether what stands where a port would is one, or nothing does."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _connect(address: Address, user: str, password: str, *, autocommit: bool, application: str) -> psycopg.Connection:
    try:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=address.database,
            user=user,
            password=password,
            autocommit=autocommit,
            application_name=application,
            connect_timeout=15,
            cursor_factory=DiscreetCursor,
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DatabaseUnreachableError(
            f"PostgreSQL at {address.host}:{address.port}/{address.database} refuses {user}: {reason}. "
            "Check the address and the login, then try again"
        ) from None


def _create_database(address: Address) -> None:
    server = Address(address.host, address.port, "postgres", address.user, address.password)
    with _connect(server, server.user, server.password, autocommit=True, application="lethe admin") as conn:
        found = conn.execute("select 1 from pg_database where datname = %s", (address.database,)).fetchone()
        if not found:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(address.database)))


def _current_state(conn: psycopg.Connection) -> str | None:
    exists = conn.execute("select to_regclass('warehouse.state')").fetchone()
    if not exists or exists[0] is None:
        return None
    row = conn.execute("select digest from warehouse.state").fetchone()
    return str(row[0]) if row else None


def _require_supported(conn: psycopg.Connection) -> None:
    if conn.info.server_version < OLDEST_SERVER:
        raise UnsupportedServerError(
            f"the server is PostgreSQL {conn.info.server_version // 10000}; Lethe needs 16 or newer"
        )
    found = conn.execute("select 1 from pg_available_extensions where name = %s", [PGVECTOR]).fetchone()
    if not found:
        raise UnsupportedServerError(f"the server has no pgvector; install the extension '{PGVECTOR}' on it")
    conn.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(PGVECTOR)))


def _literal(conn: psycopg.Connection, value: str) -> str:
    return sql.Literal(value).as_string(conn)
