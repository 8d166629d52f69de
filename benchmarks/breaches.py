"""From marking tables to drafts of the notifications, with `lethe up` running: its sensor, its queue, its job.

python -m benchmarks.breaches [--events 1000000] [--people 10000] [--markings 3]

The bar is 300 s. No peer runs beside it: those that keep a register of breaches publish no figure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.platform import Platform
from orchestration.privacy.services.breaches import BreachService
from privacy.access_log import Reader
from privacy.breaches.drafting import undrafted
from privacy.breaches.register import MarkedTable
from tests.homes import CLOCK, Home, make_home
from tests.integration.running import up, wait_for
from warehouse.database import ADMIN, Database
from warehouse.settings import Settings

BAR_SECONDS = 300
# Tables with user ids, with pseudonyms, and one that names nobody and leads to those it is made from.
TABLES = ("raw.system_logs", "safe.pseudonymous_events", "safe.anonymous_events")
DAY = "date '2026-01-01' + n %% 300"
FILL = (
    "insert into raw.system_logs (id, user_id, event_type, event_source, action, data_classification, "
    "retention_policy, created_at, received_at, source, fingerprint, event_day) "
    f"select 'e' || n, 'user-' || n %% %s, 'ui', 'web', 'click', 'personal', 'long_term', ({DAY})::timestamptz, "
    f"({DAY})::timestamptz, 'web', decode(md5(n::text), 'hex'), {DAY} from generate_series(1, %s) as n",
    "insert into safe.pseudonymous_events (event_id, subject, event_type, event_source, action, data, occurred_at, "
    "received_at, event_day, purposes) select md5(n::text), 'u_' || md5((n %% %s)::text), 'ui', 'web', 'click', '{}', "
    f"({DAY})::timestamptz, ({DAY})::timestamptz, {DAY}, '{{}}' from generate_series(1, %s) as n",
)


def fill(database: Database, n_events: int, n_people: int) -> None:
    """Events of so many people over 300 days, raw and safe."""
    with database.connect(ADMIN) as conn:
        conn.execute("select raw.ensure_partitions('2026-01-01', '2026-12-31')")
        for statement in FILL:
            conn.execute(statement.encode(), (n_people, n_events))
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("vacuum analyze")


def measure(home: Home, n_events: int, n_people: int, n_markings: int) -> dict[str, Any]:
    """Seconds from each marking to its entered drafts, while the services run."""
    fill(home.database(), n_events, n_people)
    settings = replace(Settings.load(home.path), fixed_clock=datetime.fromisoformat(CLOCK))
    service = BreachService(Platform.open(settings))
    with up(home):
        number = service.open("benchmark", by="benchmark").breach_id
        seconds = [marked(service, number) for _ in range(n_markings)]
        entries = service.history(number)
    counted = service.platform.home / "breaches" / str(number) / "authority.md"
    assert f"{n_people:,} people in {n_events:,} rows of raw.system_logs" in counted.read_text()
    assert sum(entry.kind == "drafted" for entry in entries) == 2 * n_markings
    return {"seconds": seconds, "slowest": max(seconds), "events": n_events, "people": n_people}


def marked(service: BreachService, number: int) -> float:
    """Mark the tables and wait for the drafts of that."""
    reader = Reader("benchmark", "a benchmark", "benchmarks.breaches")
    service.mark(number, reader, tables=[MarkedTable(table) for table in TABLES])
    began = time.monotonic()
    wait_for("the drafts", lambda: not undrafted(service.breach(number)), 2 * BAR_SECONDS)
    return round(time.monotonic() - began, 1)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--markings", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lethe-breaches-"))
    home = make_home(folder / "home")
    try:
        print(json.dumps(measure(home, options.events, options.people, options.markings)))
    finally:
        home.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
