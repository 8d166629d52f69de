"""The SQL function that format tokens are made by: a batch asks it for distinct values only. No form is known here."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from privacy.arrays import one
from privacy.format_tokens import tokens

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NAME = "format_token"


def formatted(kind: str, x: str) -> str:
    """SQL for the token of JSON text x that keeps the form of its kind; NULL where x lacks it."""
    return f"{NAME}('{kind}:' || {x})"


@dataclass(slots=True)
class FormatTokens:
    """The tokens under a key that were asked for so far. key: 32 bytes."""

    key: bytes = field(repr=False)
    known: dict[str, str | None] = field(default_factory=dict, repr=False)
    is_registered: bool = False

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let queries of a connection call the function, until forget() of the same connection."""
        from duckdb.func import ARROW, SPECIAL

        if not self.is_registered:
            made = lambda words: self.of(words)  # noqa: E731, PLW0108 - DuckDB evaluates the annotations of a method
            connection.create_function(NAME, made, ["VARCHAR"], "VARCHAR", type=ARROW, null_handling=SPECIAL)
            self.is_registered = True

    def forget(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the function, and with it the key, out of a connection."""
        if self.is_registered:
            connection.remove_function(NAME)
            self.is_registered = False

    def of(self, words: pa.ChunkedArray) -> pa.Array:
        """The tokens of 'kind:JSON text', one per word."""
        import pyarrow as pa

        encoded = one(words).dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        self._learn(sorted(word for word in distinct if word not in self.known))
        return pa.array([self.known[word] for word in distinct], pa.string()).take(encoded.indices)

    def _learn(self, words: list[str]) -> None:
        for kind, group in groupby(words, lambda word: word.partition(":")[0]):
            asked = list(group)
            made = tokens(kind, [word.partition(":")[2] for word in asked], self.key)
            self.known.update(zip(asked, made, strict=True))
