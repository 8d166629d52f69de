"""RetentionService: terms, legal holds, what is due, deletion. Thin: privacy/retention does it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from orchestration.privacy import retention_models
from orchestration.privacy.retention_accounts import propose
from orchestration.privacy.retention_runs import POLICY, delete_runs
from privacy.osint.holdings import n_due
from privacy.retention import execution, holds, planning, policies
from privacy.retention.execution import RetentionReport
from privacy.retention.holds import Hold, keyed_by
from privacy.retention.planning import Plan
from privacy.retention.policies import Policy, PropertyRule
from privacy.retention.terms import terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterInstance

    from ml.expiry import OldModel
    from orchestration.platform import Platform


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Retention of one home. Every change needs who answers for it and why, and is kept."""

    platform: Platform

    def policies(self) -> dict[str, Policy]:
        """Every term by name."""
        with self.platform.database.connect("privacy") as conn:
            return policies.policies(conn)

    def property_rules(self) -> list[PropertyRule]:
        """Every term of values inside events."""
        with self.platform.database.connect("privacy") as conn:
            return policies.property_rules(conn)

    def set_policy(self, name: str, days: int | None, *, by: str, reason: str) -> Policy:
        """Change a term; None: no end. Raises a RetentionInputError."""
        with self.platform.database.connect("privacy") as conn:
            return policies.set_policy(conn, name, days, changed_by=by, reason=reason, now=self._now())

    def set_refresh(self, name: str, days: int | None, *, by: str, reason: str) -> Policy:
        """Change how often copies of foreign data are looked for again. Raises a RetentionInputError."""
        with self.platform.database.connect("privacy") as conn:
            return policies.set_refresh(conn, name, days, changed_by=by, reason=reason, now=self._now())

    def set_property(self, rule: PropertyRule, *, by: str, reason: str) -> PropertyRule:
        """Rule how long the values at a path stay, where their event stays longer. Raises a RetentionInputError."""
        with self.platform.database.connect("privacy") as conn:
            return policies.set_property(conn, rule, changed_by=by, reason=reason, now=self._now())

    def hold(
        self,
        *,
        by: str,
        reason: str,
        user_id: str | None = None,
        table: str | None = None,
        days: tuple[date | None, date | None] = (None, None),
        until: datetime | None = None,
    ) -> Hold:
        """Keep data for a court although its term is over; in force at once. Raises a RetentionInputError."""
        now = self._now()
        with self.platform.database.connect("privacy") as conn:
            number = holds.place(
                conn, placed_by=by, reason=reason, now=now, subject=user_id, table=table, days=days, until=until
            )
            return next(hold for hold in holds.in_force(conn, now) if hold.hold_id == number)

    def release(self, hold_id: int, *, by: str, reason: str) -> None:
        """End a hold; the next run deletes what it kept. Raises UnknownHoldError."""
        with self.platform.database.connect("privacy") as conn:
            holds.release(conn, hold_id, released_by=by, reason=reason, now=self._now())

    def plan(self) -> tuple[Plan, tuple[OldModel, ...]]:
        """What a run would delete now and what holds keep; and models in use that are near or past their term."""
        with self.platform.database.connect("erasure") as conn:
            found = planning.plan(conn, self.platform.home, keyed_by(self.platform.vault), self._now())
        models = retention_models.planned(self.platform)
        return replace(found, lines=(*found.lines, models.line)), models.in_use

    def run(
        self, instance: DagsterInstance, progress: Callable[[str], None] | None = None
    ) -> tuple[RetentionReport, dict[str, int]]:
        """One whole run: rows and files, models, Dagster's own records, and requests for accounts that are over."""
        with self.platform.database.connect("erasure") as conn:
            report = execution.run(conn, self.platform.home, keyed_by(self.platform.vault), self._now(), progress)
            cutoff_on = terms(conn, self._now()).cutoff(POLICY)
            findings_due = n_due(conn, self._now())
        models = retention_models.expire(self.platform)
        report.lines.append(models.line)
        proposed = propose(self.platform)
        return report, {
            "models_in_use_near_their_term": len(models.in_use),
            "osint_findings_due_for_refresh": findings_due,
            "dagster_runs_deleted": delete_runs(instance, cutoff_on),
            "inactive_accounts_proposed": proposed["inactive_users"],
            "deleted_accounts_to_erase": proposed["deleted_accounts"],
        }

    def _now(self) -> datetime:
        return self.platform.settings.now()
