"""What the warehouse promises and how each promise can break."""


class WarehouseError(Exception):
    """A promise of the warehouse that could not be kept; the message says what to do."""


class ServerStartError(WarehouseError):
    """The embedded PostgreSQL did not start."""


class DatabaseUnreachableError(WarehouseError):
    """The PostgreSQL server named by the settings does not answer or refuses the login."""


class InvalidAddressError(WarehouseError):
    """What was given as the address of a server is none."""


class UnsupportedServerError(WarehouseError):
    """The server is older than PostgreSQL 16 or has no pgvector."""


class MigrationChangedError(WarehouseError):
    """A migration that this database already applied has other content now."""
