"""What a simulated log is asked to be: size, period, drift and canaries. No randomness and no data here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


class SimulationSpecError(ValueError):
    """A simulation was asked for that cannot be made."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A change of distribution from the day `starts_on` (UTC).

    latency_factor multiplies every latency_ms; api_share is the share of steps that become API calls on top of
    the usual mix; session_length_factor scales the mean number of events in a session (above 0, at most 4).
    """

    starts_on: date
    latency_factor: float = 1.0
    api_share: float = 0.0
    session_length_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Canaries:
    """Users who carry a unique token in every personal, sensitive and unruled field, and as their ids."""

    n_users: int = 3


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """Size and period of a simulated log: exactly n_events in the n_days that end with end_on (inclusive, UTC).

    n_users is one per 90 events unless stated. churn_level shifts the log-odds of leaving in a week.
    """

    seed: int = 7
    n_events: int = 100_000
    n_days: int = 210
    end_on: date = date(2026, 6, 28)
    n_users: int | None = None
    churn_level: float = 0.0
    fraud_share: float = 0.01
    drift: Drift | None = None
    canaries: Canaries | None = None

    def __post_init__(self) -> None:
        """Refuse impossible sizes; raises SimulationSpecError."""
        if self.seed < 0:
            raise SimulationSpecError(f"Seed {self.seed} is negative: take 0 or more.")
        if self.n_events < 200 or self.n_days < 7:
            raise SimulationSpecError(
                f"A log of {self.n_events} events in {self.n_days} days is too small to simulate: "
                "ask for at least 200 events and 7 days."
            )
        if self.drift and (
            self.drift.latency_factor <= 0
            or not 0 <= self.drift.api_share < 1
            or not 0 < self.drift.session_length_factor <= 4
        ):
            raise SimulationSpecError(
                f"{self.drift} is out of range: latency_factor above 0, api_share in [0, 1), "
                "session_length_factor in (0, 4]."
            )
        if self.canaries and not 1 <= self.canaries.n_users <= 50:
            raise SimulationSpecError(f"{self.canaries.n_users} canary users: ask for 1 to 50.")
        if self.n_events < 60 * self.n_canaries:
            raise SimulationSpecError(
                f"{self.n_events} events cannot hold {self.n_canaries} canary users, who each visit every kind of "
                f"event: ask for at least {60 * self.n_canaries} events."
            )
        if self.n_users is not None and self.n_users < 2 + self.n_canaries:
            raise SimulationSpecError(f"{self.n_users} users are too few: ask for at least {2 + self.n_canaries}.")

    @property
    def start_on(self) -> date:
        """First day of the log."""
        return self.end_on - timedelta(days=self.n_days - 1)

    @property
    def n_canaries(self) -> int:
        """Number of canary users."""
        return self.canaries.n_users if self.canaries else 0

    @property
    def users(self) -> int:
        """Number of users, canary users included."""
        if self.n_users is not None:
            return self.n_users
        return max(12, self.n_events // 90) + self.n_canaries
