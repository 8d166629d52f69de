"""What can be wrong with an import, named for the broken promise. Messages name files and lines, never values."""

from __future__ import annotations


class InputError(Exception):
    """The caller's input cannot be used; the message says which thing, where, and what to do (exit code 2)."""


class MissingFileError(InputError):
    """A named file does not exist."""


class UnreadableFileError(InputError):
    """A named file exists and cannot be read."""


class EmptyFileError(InputError):
    """A named file holds no records."""


class TruncatedFileError(InputError):
    """A compressed file ends before its own end mark, or its bytes are damaged."""


class UnknownFormatError(InputError):
    """A file is none of JSON Lines, CSV and Parquet."""


class MappingError(InputError):
    """A mapping names something that does not exist or misses something required."""


class WarehouseFullError(Exception):
    """The database had no room for a batch; batches before it are stored, this one is not."""


class RefusedBatchError(Exception):
    """The database refused a batch and no single record explains it; the batch is not stored."""


class CountMismatchError(Exception):
    """Records read are not the sum of stored, duplicate, quarantined and refused ones."""


class ConcurrentImportError(Exception):
    """Another process advanced the same import."""
