"""What a query can see while its columns are traced: names to traces, inside out. Reading queries is lineage.py's."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.carriers.traces import Relation, Relations, Trace, joined, unanalysed


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query can see: known tables, common table expressions, its own sources and those of queries around it."""

    known: Relations
    tables: dict[str, Relation]
    sources: dict[str, Relation]
    outer: Scope | None = None

    def find(self, name: str, table: str | None) -> Trace | None:
        """The trace of a column; of a whole row where the name is a source's. What is not found fails closed."""
        is_found, trace = self._look_up(name, table)
        return trace if is_found else unanalysed(f"no column {table + '.' if table else ''}{name}")

    def _look_up(self, name: str, table: str | None) -> tuple[bool, Trace | None]:
        around = (False, None) if self.outer is None else self.outer._look_up(name, table)
        if table is not None:
            source = self.sources.get(table)
            return around if source is None else (source.has(name), source.trace(name))
        if closed := [source.columns[name] for source in self.sources.values() if name in source.columns]:
            return True, joined(closed)
        if name in self.sources:
            return True, self.sources[name].whole()
        if opened := [source.rest for source in self.sources.values() if source.is_open]:
            return True, joined([*opened, around[1]])
        return around
