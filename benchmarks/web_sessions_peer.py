"""A peer's dbt web package, run from a local checkout over the events of web_sessions.py. It is not kept here."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import psycopg

from warehouse.database import ADMIN, Database
from warehouse.settings import Settings

SAMPLE = "integration_tests/data/source/snowplow_web_events.csv"
PACKAGES = ("dbt_utils", "snowplow_utils")
PAGES = "com_snowplowanalytics_snowplow_web_page_1"
INTEGERS = (
    "domain_sessionidx", "pp_xoffset_min", "pp_xoffset_max", "pp_yoffset_min", "pp_yoffset_max", "br_viewwidth",
    "br_viewheight", "doc_width", "doc_height",
)  # fmt: skip
# Column of the peer -> SQL over safe.pseudonymous_events as e and its page as p.
EVENT = {
    "app_id": "'shop'", "platform": "'web'", "event_id": "e.event_id", "event_name": "e.action",
    "event": "case when e.action in ('page_view', 'page_ping') then e.action else 'unstruct' end",
    "domain_userid": "e.subject", "domain_sessionid": "coalesce(e.session, e.subject || e.event_day)",
    "domain_sessionidx": "1", "useragent": "'Firefox'", "page_urlhost": "p ->> 'page_host'",
    "page_urlpath": "p ->> 'page_path'", "page_title": "p ->> 'page_title'", "geo_country": "p ->> 'country'",
    "br_lang": "p ->> 'language'", "br_viewwidth": "(p ->> 'view_width')::int",
    "br_viewheight": "(p ->> 'view_height')::int", "doc_width": "(p ->> 'page_width')::int",
    "doc_height": "(p ->> 'page_height')::int",
    "pp_xoffset_min": "0", "pp_xoffset_max": "0", "pp_yoffset_min": "0", "pp_yoffset_max": "(p ->> 'scroll_y')::int",
}  # fmt: skip
TIMES = ("collector_tstamp", "derived_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp", "etl_tstamp", "load_tstamp")
PROFILE = """
default:
  target: benchmark
  outputs:
    benchmark: {type: postgres, host: "{{ env_var('PEER_HOST') }}", port: "{{ env_var('PEER_PORT') | as_number }}",
      user: "{{ env_var('PEER_USER') }}", password: "{{ env_var('PEER_PASSWORD') }}",
      dbname: "{{ env_var('PEER_DBNAME') }}", schema: peer, threads: 2}
"""


def why_not(checkout: Path | None) -> str:
    """Why a checkout cannot be run, in words; empty where nothing is known against it."""
    if checkout is None:
        return "no checkout given: --peer PATH"
    licence = checkout / "LICENSE"
    text = licence.read_text("utf-8", "replace") if licence.is_file() else ""
    if "Apache License" not in text or "Version 2.0" not in text:
        return f"{checkout.name} is not under Apache-2.0: check out its last release that is"
    missing = [name for name in ("dbt_project.yml", SAMPLE) if not (checkout / name).is_file()]
    missing += [f"dbt_packages/{name}" for name in PACKAGES if not (checkout / "dbt_packages" / name).is_dir()]
    return f"{checkout.name} has no {', '.join(missing)}: run dbt deps in it" if missing else ""


def measure_peer(database: Database, settings: Settings, checkout: Path) -> tuple[float | None, str]:
    """Seconds of its models over the events of a database, from nothing; or None, and why it failed."""
    with database.connect(ADMIN) as conn, (checkout / SAMPLE).open(newline="") as file:
        copy_events(conn, next(csv.reader(file)))
    folder = settings.home / "peer"
    folder.mkdir()
    (folder / "profiles.yml").write_text(PROFILE)
    given = {"snowplow__start_date": "2025-05-31", "snowplow__backfill_limit_days": 9999}
    given |= {"snowplow__atomic_schema": "atomic"} | {f"snowplow__enable_{n}": False for n in ("iab", "ua", "yauaa")}
    program = ["-c", "from dbt.cli.main import cli; cli()", "run", "--quiet", "--vars", json.dumps(given)]
    folders = ["--project-dir", str(checkout), "--profiles-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, *program, *folders],
        env=_environment(database, settings, folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return None, f"its dbt run failed: {said[-1][:200] if said else 'without a word'}"
    return float(json.loads((folder / "run_results.json").read_text())["elapsed_time"]), ""


def copy_events(conn: psycopg.Connection, columns: list[str]) -> None:
    """The events in the peer's two tables: every column of its sample, filled where a model of ours reads the like."""
    types = dict.fromkeys(columns, "text") | dict.fromkeys(INTEGERS, "int")
    types |= {name: "timestamp" for name in columns if name.endswith("_tstamp")}
    names = [name for name in (*EVENT, *TIMES) if name in columns]
    values = [EVENT.get(name, "e.occurred_at at time zone 'UTC'") for name in names]
    source = "safe.pseudonymous_events as e cross join lateral (select e.data -> '_metadata') as page (p)"
    for statement in (
        "create schema atomic",
        f"create table atomic.events ({', '.join(f'{name} {types[name]}' for name in columns)})",
        f"insert into atomic.events ({', '.join(names)}) select {', '.join(values)} from {source}",
        f"create table atomic.{PAGES} as select e.event_id as root_id, p ->> 'page_view_id' as id, "
        f"e.occurred_at at time zone 'UTC' as root_tstamp from {source}",
        "analyze atomic.events",
        f"analyze atomic.{PAGES}",
    ):
        conn.execute(statement.encode())


def _environment(database: Database, settings: Settings, folder: Path) -> dict[str, str]:
    address = database.address
    return settings.environment(
        PEER_HOST=address.host,
        PEER_PORT=str(address.port),
        PEER_USER=address.user,
        PEER_PASSWORD=database.passwords[ADMIN],
        PEER_DBNAME=address.database,
        DBT_TARGET_PATH=str(folder),
        DBT_LOG_PATH=str(folder),
    )
