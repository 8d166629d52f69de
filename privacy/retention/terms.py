"""What is past its term at one moment, as SQL conditions: one place for the plan, the deletion and their tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from privacy.retention.holds import NOTHING, Clause, Hold, whole_day_held
from privacy.retention.policies import Policy, PropertyRule, class_cutoffs, cutoff, policies, property_rules
from privacy.retention.stores import EVENTS, LOG_POLICY, LOGS, Method, Store, by_name

CLOSED = "event_day in (select event_day from privacy.closed_days)"


@dataclass(frozen=True, slots=True)
class Terms:
    """The policies, the rules about values and the holds as they are at one moment."""

    now: datetime
    policies: dict[str, Policy]
    properties: tuple[PropertyRule, ...]
    holds: tuple[Hold, ...]

    def cutoff(self, policy: str) -> date | None:
        """The first day that stays under a policy; None when nothing expires."""
        return cutoff(self.now, self.policies[policy].days)

    @property
    def events_cutoff(self) -> date | None:
        """The first event day that stays as a whole."""
        return self.cutoff(by_name()[EVENTS].policy)

    def expired(self, store: Store) -> Clause:
        """The rows of a store that are past their term, held or not."""
        day = self.cutoff(store.policy)
        if store.method is Method.PARTITIONS:
            return self._expired_events()
        if store.method is Method.KEYS:
            return self._unused_keys(day)
        if store.method in (Method.CLOSED_DAYS, Method.BOOKS):
            return self._gone_days(day)
        if day is None or store.method in (Method.KEPT, Method.FOLLOWS):
            return NOTHING
        return Clause(f"{store.day} < %s", (day,))

    def value_cutoff(self, rule: PropertyRule) -> date | None:
        """The first event day whose values at the rule's path stay."""
        return cutoff(self.now, rule.days)

    def expired_values(self, rule: PropertyRule) -> Clause:
        """The events that hold a value at the rule's path for longer than the rule allows."""
        day = self.value_cutoff(rule)
        if day is None:
            return NOTHING
        # The first key by itself is cheap: most events have no such value and are not taken apart.
        first = "true" if rule.keys[0] == "*" else f"{rule.column} ? %s"
        asked = [*([] if rule.keys[0] == "*" else [rule.keys[0]]), rule.keys]
        text = f"event_day < %s and {first} and {rule.column} is distinct from privacy.without_path({rule.column}, %s)"
        if rule.event_type == "*":
            return Clause(text, (day, *asked))
        return Clause(f"event_type = %s and {text}", (rule.event_type, day, *asked))

    def closing(self) -> Clause:
        """The event days that end now: past the term of events, and not held as a whole."""
        day = self.events_cutoff
        if day is None:
            return NOTHING
        whole = whole_day_held(self.holds)
        return Clause(f"event_day < %s and not ({whole.text})", (day, *whole.parameters))

    def _expired_events(self) -> Clause:
        """Past the shorter of the event's own class and its store's term, which an operational log has of its own."""
        own = by_name()[EVENTS].policy
        kinds = {name: class_cutoffs(self.policies, self.policies[name].days, self.now) for name in (own, *LOGS)}
        cases = [(name, klass, day) for name, days in kinds.items() for klass, day in days.items()]
        if not cases:
            return NOTHING
        one = f"(coalesce({LOG_POLICY}, %s) = %s and retention_policy = %s and event_day < %s)"
        # The outer bound lets the planner skip the partitions that are too young for every class.
        return Clause(
            f"event_day < %s and ({' or '.join(one for _ in cases)})",
            (max(day for *_, day in cases), *(value for case in cases for value in (own, *case))),
        )

    def _unused_keys(self, day: date | None) -> Clause:
        """Keys past the term of events whose event does not stay longer: with its key gone it would be stored twice."""
        if day is None:
            return NOTHING
        gone = self._expired_events()
        same = "l.event_day = event_keys.event_day and l.source = event_keys.source and l.id = event_keys.id"
        stays = f"exists (select from {EVENTS} as l where {same} and {LOG_POLICY} is not null and not ({gone.text}))"
        return Clause(f"event_day < %s and not {stays}", (day, *gone.parameters))

    def _gone_days(self, day: date | None) -> Clause:
        if day is None:
            return Clause(CLOSED)
        closing = self.closing()
        return Clause(f"{CLOSED} or ({closing.text})", closing.parameters)


def terms(conn: psycopg.Connection, now: datetime, holds: Sequence[Hold] = ()) -> Terms:
    """The terms of this moment, read from the database."""
    return Terms(now, policies(conn), tuple(property_rules(conn)), tuple(holds))
