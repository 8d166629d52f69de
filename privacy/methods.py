"""How a decision may come about, and what it may then decide. The database holds the same rules as constraints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """A way of deciding. purposes: the only ones it may decide about, or None for all."""

    name: str
    may_grant: bool
    may_withdraw: bool
    purposes: tuple[str, ...] | None = None

    def allows(self, decision: str, purpose: str) -> bool:
        """Whether this method can make this decision about this purpose."""
        may = {"grant": self.may_grant, "withdraw": self.may_withdraw}.get(decision, False)
        return may and (self.purposes is None or purpose in self.purposes)


GPC_PURPOSES = ("sharing", "marketing")
METHODS = {
    method.name: method
    for method in (
        Method("accept", may_grant=True, may_withdraw=False),
        Method("reject", may_grant=False, may_withdraw=True),
        Method("save", may_grant=True, may_withdraw=True),
        # Closing a notice decides nothing: it neither grants nor touches an earlier choice.
        Method("dismiss", may_grant=False, may_withdraw=False),
        # Global Privacy Control: the browser's opt-out of sale and sharing.
        Method("gpc", may_grant=False, may_withdraw=True, purposes=GPC_PURPOSES),
        Method("import", may_grant=True, may_withdraw=True),
        Method("api", may_grant=True, may_withdraw=True),
    )
}
