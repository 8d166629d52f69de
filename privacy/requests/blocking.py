"""Restriction and objection: decisions in the consent ledger that stop processing, read back from it. No deletion."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from privacy.consent import Decision, get_consent, record_decisions
from privacy.purposes import PURPOSES
from privacy.requests.effects import Evidence, Measurement
from privacy.requests.errors import IncompleteRequestError
from privacy.requests.kinds import Kind, Task

SOURCE = "privacy_request"
METHOD = "api"


@dataclass(frozen=True, slots=True)
class Block:
    """Withdraws what a restriction or an objection is about. conn is of the role `privacy`.

    A restriction (GDPR art. 18) stops every purpose, collection included; data stays where it is. An objection
    (art. 21) stops the purposes named in the details, or all that are not required.
    """

    conn: psycopg.Connection

    def carry_out(self, task: Task) -> Evidence:
        purposes = blocked_purposes(task)
        decisions = [
            Decision(
                task.subject, purpose, "withdraw", task.at, task.at, SOURCE, METHOD, f"{task.kind} requested",
                {"request_id": task.request_id},
            )
            for purpose in purposes
        ]  # fmt: skip
        return {"purposes": purposes, "n_recorded": record_decisions(self.conn, decisions)}

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        del evidence
        current = get_consent(self.conn, task.subject)
        return Measurement({p: int(current[p] != "withdraw") for p in blocked_purposes(task)}, is_proven=True)


def blocked_purposes(task: Task) -> list[str]:
    """The purposes a request stops. Raises IncompleteRequestError for one that does not exist."""
    if task.kind is Kind.RESTRICTION:
        return list(PURPOSES)
    named = task.details.get("purposes") or [name for name, purpose in PURPOSES.items() if not purpose.required]
    unknown = [str(name) for name in named if name not in PURPOSES]
    if unknown:
        raise IncompleteRequestError(f"there is no purpose {unknown[0]}; the purposes are {', '.join(PURPOSES)}")
    return list(named)
