"""Rows a second of our page views, sessions and people of a website, beside a peer's dbt web package.

python -m benchmarks.web_sessions [--events 200000] [--peer CHECKOUT]

Both build from the same invented events of 20 days in one run. The peer is a local checkout of its last Apache-2.0
release with its packages in it (`dbt deps`), run by web_sessions_peer.py; without one, the last line says so.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.dbt_incremental import LIST_DAYS, build
from benchmarks.web_sessions_peer import measure_peer, why_not
from warehouse.database import Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

DAYS = 20
FIRST = date(2025, 6, 1)
MODELS = ("stg_web_events", "agg_web_fragments", "ses_web_sessions", "ses_web_page_views", "agg_web_users")
# A visit is ten events: three pages of a view and two pings, and a click. A tenth of the people's trackers name no
# session. One visit in five begins before midnight.
SYNTHESISE = """
insert into safe.pseudonymous_events (event_id, subject, session, event_type, event_source, action, data, occurred_at,
  received_at, event_day, purposes)
select md5(day::text || s || e), 'u' || s, case when s %% 10 > 0 then 's' || s || day::date end, 'web', 'web',
  (array['page_view', 'page_ping', 'page_ping', 'page_view', 'page_ping', 'page_ping', 'page_view', 'page_ping',
    'page_ping', 'link_click'])[e + 1],
  jsonb_build_object('_metadata', jsonb_build_object('page_view_id', md5(day::text || s || least(e / 3, 2)),
    'page_host', 'shop.example', 'page_path', '/' || s %% 97, 'page_title', 'Page ' || s %% 97, 'country', 'DE',
    'language', 'de', 'device', 'Desktop', 'os', 'Linux', 'browser', 'Firefox', 'view_width', 1200, 'view_height', 800,
    'page_width', 1200, 'page_height', 4000, 'scroll_x', 0, 'scroll_y', e * 100)),
  at, at, at::date, array['analytics']
from generate_series(%(first)s::date, %(last)s::date, interval '1 day') as day
cross join generate_series(1, %(people)s) as s
cross join generate_series(0, 9) as e
cross join lateral (
  select (day + s * 7919 %% 86100 * interval '1 second' + e * interval '20 seconds') at time zone 'UTC' as at
) as times
where (s + extract(epoch from day)::bigint / 86400) %% 5 = 0
"""


@contextmanager
def website(n_events: int) -> Iterator[tuple[Database, Settings, int]]:
    """A database with about so many events of a website, and how many they are."""
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    settings = Settings(home=home)
    try:
        database = Database.open(settings)
        yield database, settings, write(database, FIRST, FIRST + timedelta(days=DAYS - 1), n_events // (2 * DAYS))
    finally:
        EmbeddedServer.of(home).destroy()
        shutil.rmtree(home, ignore_errors=True)


def write(database: Database, first: date, last: date, people: int) -> int:
    """Events of the days from first to last, a fifth of the people a day. Returns how many."""
    days = {"first": first, "last": last}
    with database.connect("privacy") as conn:
        n = conn.execute(SYNTHESISE, days | {"people": people}).rowcount
        conn.execute(LIST_DAYS, days)
    with database.connect("admin", autocommit=True) as conn:
        conn.execute("vacuum analyze safe.pseudonymous_events")
    return n


def measure(database: Database, settings: Settings) -> float:
    """Seconds of our models over what is not built yet, without start-up and tests; people are read from their view."""
    nodes = build(database, settings, "--exclude-resource-type", "test", "--select", *MODELS)
    started = time.perf_counter()
    with database.connect("dbt") as conn:
        conn.execute("create temporary table users as select * from aggregates.agg_web_users")
    return nodes["all"] + time.perf_counter() - started


def figures(n_events: int, peer: Path | None) -> dict[str, Any]:
    """Ours and the peer's rows a second of a full build, ours of one new day, and why the peer has none."""
    with website(n_events) as (database, settings, n):
        found: dict[str, Any] = {"events": n, "ours": n / measure(database, settings)}
        found["why"] = why_not(peer)
        if peer and not found["why"]:
            seconds, found["why"] = measure_peer(database, settings, peer)
            found["peer"] = n / seconds if seconds else None
        new = FIRST + timedelta(days=DAYS)
        n_new = write(database, new, new, n_events // (2 * DAYS))
        return found | {"day": n_new / measure(database, settings), "day_events": n_new}


def main() -> None:
    """Measure, and print the figures; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--peer", type=Path)
    options = parser.parse_args()
    found = figures(options.events, options.peer)
    print(f"ours: {found['events']:,} events at {found['ours']:,.0f}/s")
    print(f"ours, one new day: {found['day_events']:,} events at {found['day']:,.0f}/s")
    print(f"peer: {found['peer']:,.0f}/s" if found.get("peer") else f"peer: skipped, {found['why']}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
