"""A trace says that a column carries a person's key, from which root, through what. Relations: columns with traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNANALYSED = "unanalysed"


@dataclass(frozen=True, slots=True)
class Trace:
    """roots: columns like raw.system_logs.user_id that the value comes from; how: the constructs it came through."""

    roots: frozenset[str]
    how: frozenset[str] = frozenset()

    def through(self, construct: str) -> Trace:
        return Trace(self.roots, self.how | {construct})


def unanalysed(why: str) -> Trace:
    """Fail closed: what nobody can follow counts as a carrier, and says why."""
    return Trace(frozenset({UNANALYSED}), frozenset({why}))


def joined(traces: Iterable[Trace | None]) -> Trace | None:
    """One trace of a value made from several; None when none of them carries."""
    found = [trace for trace in traces if trace is not None]
    if not found:
        return None
    if len(found) == 1:
        return found[0]
    return Trace(frozenset().union(*(t.roots for t in found)), frozenset().union(*(t.how for t in found)))


@dataclass(slots=True)
class Relation:
    """Columns in order, each with its trace or None. A relation with `rest` may have more columns: that is theirs."""

    columns: dict[str, Trace | None] = field(default_factory=dict)
    rest: Trace | None = None
    is_open: bool = False

    def copy(self) -> Relation:
        return Relation(dict(self.columns), self.rest, self.is_open)

    def has(self, name: str) -> bool:
        return name in self.columns or self.is_open

    def trace(self, name: str) -> Trace | None:
        return self.columns.get(name, self.rest)

    def whole(self) -> Trace | None:
        """The trace of a whole row."""
        return joined([*self.columns.values(), self.rest])

    def renamed(self, names: list[str]) -> Relation:
        """Columns by position under other names; an open relation gives every name what the rest carries."""
        if not names:
            return self
        kept = list(self.columns.items())
        columns = {
            name: kept[at][1]
            if at < len(kept)
            else (self.rest if self.is_open else unanalysed("more names than columns"))
            for at, name in enumerate(names)
        }
        columns |= dict(kept[len(names) :])
        return Relation(columns, self.rest, self.is_open)

    def carriers(self) -> dict[str, Trace]:
        return {name: trace for name, trace in self.columns.items() if trace is not None}


def unknown_relation(name: str) -> Relation:
    return Relation(rest=unanalysed(f"relation {name} is unknown"), is_open=True)


Relations = Mapping[str, Relation]
