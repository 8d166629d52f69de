"""Events for the revenue marts: third-party rows as events, an experiment, and what changes after the first build."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.dbt_project.conftest import Event

TRAINING, ANALYTICS = ("model_training",), ("analytics",)
EXPERIMENT = {"pricing": {"outcome": "payment", "control": "old", "planned_per_variant": 100}}


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    packed = path.read_bytes()
    text = gzip.decompress(packed) if path.suffix == ".gz" else bz2.decompress(packed)
    return list(csv.DictReader(text.decode().splitlines()))


def billing(company: str, at: str, action: str, **said: object) -> Event:
    """A billing event of a company, paid by one of its people."""
    return Event(f"{company}{at}{action}{said.get('resource', '')}", f"payer of {company}", at, company, "billing",
                 action, json.dumps(said), ANALYTICS, event_type="business")  # fmt: skip


def subscriptions(folder: Path) -> Iterator[Event]:
    """Contracts of the SaaS accounts: each begins at midnight and, where it ended, ends at noon."""
    for row in rows_of(folder / "saas_subscriptions" / "ravenstack_subscriptions.csv.gz"):
        key, company = row["subscription_id"], row["account_id"]
        action = "trial_start" if row["is_trial"] == "True" else "subscription_start"
        said = {"resource": key, "plan": row["plan_tier"], "seats": int(row["seats"]), "mrr": float(row["mrr_amount"])}
        yield billing(company, f"{row['start_date']} 00:00", action, **said)
        if row["end_date"]:
            yield billing(company, f"{row['end_date']} 12:00", "cancel", resource=key, plan=row["plan_tier"])


def purchases(folder: Path) -> Iterator[Event]:
    """The sample of CDNOW's customers until the end of the calibration period, one payment a transaction."""
    with gzip.open(folder / "cdnow" / "CDNOW_sample.txt.gz", "rt") as lines:
        for number, line in enumerate(lines):
            _, customer, day, _, dollars = line.split()
            if day <= "19970930":
                at = f"{date.fromisoformat(day)} 12:00"
                paid = json.dumps({"amount": float(dollars)})
                yield Event(f"cdnow{number}", f"buyer {customer}", at, str(int(customer)), "shop", "payment", paid,
                            TRAINING, event_type="business")  # fmt: skip


def reviews(folder: Path) -> Iterator[Event]:
    """Every review by one reviewer and the first three hundred by anybody."""
    for number, row in enumerate(rows_of(folder / "reviews" / "anonreviews.csv.bz2")):
        if row["reviewerId"] == "10392" or number < 300:
            rating = json.dumps({"rating": int(row["rating"])})
            person, vendor = f"reviewer {row['reviewerId']}", f"vendor {row['vendorId']}"
            yield Event(f"review{number}", person, row["date"], None, vendor, "review", rating, ANALYTICS,
                        event_type="ui")  # fmt: skip


def exposed(person: int, at: datetime, variant: str) -> Event:
    """A page that shows a variant of the experiment."""
    shown = json.dumps({"experiment": "pricing", "variant": variant})
    return Event(f"exposed{person}{at}", f"person {person}", f"{at:%Y-%m-%d %H:%M}", None, "navigation", "page_view",
                 shown, ANALYTICS, event_type="ui")  # fmt: skip


def outcomes() -> dict[str, list[int]]:
    """What each person of a variant pays within the time that counts: known without SQL."""
    return {"old": [7 * (n % 5) * (n % 3 == 0) for n in range(240)], "new": [11 * (n % 4) for n in range(230)]}


def experiment() -> Iterator[Event]:
    """An experiment in March 2024: everybody is exposed on one day, some pay in time, some too late."""
    number = 0
    for variant, amounts in outcomes().items():
        for place, amount in enumerate(amounts):
            number += 1
            first = datetime(2024, 3, 1 + place % 10, 10)
            yield exposed(number, first, variant)
            for paid, after in ((amount, 13), (1000, 14)):
                at = f"{first + timedelta(days=after):%Y-%m-%d %H:%M}"
                if paid:
                    yield Event(f"paid{number}{at}", f"person {number}", at, None, "billing", "payment",
                                json.dumps({"amount": paid}), ANALYTICS, event_type="business")  # fmt: skip


def cash_and_trials() -> Iterator[Event]:
    """Companies without contracts: trials that turn paid or run out, payments that stop and come back."""
    for number in range(6):
        company = f"cash {number}"
        yield billing(company, "2024-01-10 09:00", "trial_start", plan="Cash")
        for month in (2, 3, 4, 8):
            yield billing(
                company, f"2024-{month:02}-0{number + 1} 09:00", "payment", plan="Cash", amount=10 * number + 5
            )


def later_changes(log: list[Event]) -> tuple[list[Event], set[date]]:
    """Late and new events, and an erasure: what is left of the log, and the days that differ."""
    gone = [e for e in log if e.company in ("A-3c1a3f", "cash 2") or e.subject in ("reviewer 10392", "person 3")]
    gone += [e for e in log if e.company == "A-9b9fe9" and e.action == "subscription_start"][:2]
    new = [
        billing("cash 1", "2024-02-20 09:00", "payment", plan="Cash", amount=99),
        billing("cash 1", "2024-03-12 09:00", "upgrade", plan="Basic", mrr=70),
        billing("cash 3", "2024-01-01 09:00", "payment", plan="Cash", amount=1),
        billing("cash 4", "2024-04-30 09:00", "cancel", plan="Cash"),
        billing("A-659280", "2023-01-02 10:00", "subscription_start", plan="Pro", mrr=12, resource="late"),
        billing("cash 5", "2025-02-03 09:00", "payment", plan="Cash", amount=3),
        exposed(5, datetime(2024, 3, 1, 7), "new"),
        exposed(7, datetime(2024, 2, 20, 7), "old"),
    ]
    kept = [e for e in log if e not in gone]
    return kept + new, {e.occurred_at.date() for e in gone + new}
