"""Safe events of an invented product of a steady size, as many days as wanted: what dbt's cost is measured on.

What people do comes from the simulator (20,000 events in their order, with the keys that models read); PostgreSQL
repeats it for other people on other days. Nothing here passes through the privacy transform.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from warehouse.database import ADMIN, Database

POOL = 20_000
VECTORS = 64
EVENTS_OF_A_PERSON = 10  # on a day, in the mean
PRIVATE = ("prompt", "response", "query", "note", "comment", "contact", "email", "full_name", "phone", "card", "ssn",
           "date_of_birth", "account_ref", "items")  # fmt: skip

TABLES = """
create table benchmark.pool (place int primary key, is_nobodys boolean, event_type text, event_source text,
  component text, action text, data jsonb);
create table benchmark.vectors (place int primary key, embedding vector(768));
create table benchmark.people (number int primary key, subject text, persona text, company text, extra jsonb,
  api_key jsonb, purposes text[]);
"""
# A tenth agrees to no training, a fifth to no personalization, a third shares.
PEOPLE = """
insert into benchmark.people
select n, 'u_' || md5('u' || n), 'p_' || md5('p' || n), 'c_' || md5('c' || n %% %(companies)s),
  jsonb_build_object('_client_info', jsonb_build_object(
    'device', (array['desktop', 'phone', 'tablet'])[1 + n %% 3], 'os', (array['windows', 'linux', 'ios'])[1 + n %% 3],
    'locale', 'en-US', 'network', 'n_' || md5('n' || n / 2))),
  jsonb_build_object('api_key', 'k_' || md5('k' || n / 3)),
  array['analytics'] || case when n %% 10 > 0 then array['model_training'] else '{}' end
  || case when n %% 5 > 0 then array['personalization'] else '{}' end
  || case when n %% 3 = 0 then array['sharing'] else '{}' end
from generate_series(%(first)s::int, %(last)s::int) as n
"""
# A person comes every other day, does 4 to 16 things in a row, the second half of them three hours later. Every day
# some people are new, and as many do not come again. One event in two hundred is known a day late, and one person in
# twenty comes around midnight, so that sessions cross it.
EVENTS = """
insert into safe.pseudonymous_events (event_id, subject, persona, company, session, event_type, event_source, component,
  action, data, occurred_at, received_at, event_day, purposes)
select 'e_' || md5(concat(days.day, '/', p.number, '/', e)), p.subject, p.persona, p.company,
  's_' || md5(concat(days.day, '/', p.number, '/', e * 2 > visits.n_events)), o.event_type, o.event_source, o.component,
  o.action, case when o.data ? 'api_key' then o.data || p.extra || p.api_key else o.data || p.extra end, times.at,
  times.at + case when (visits.start + e) %% 200 = 0 then interval '1 day' else interval '2 seconds' end,
  days.day, p.purposes
from (select %(first)s::date + n as day, %(number)s + n as number from generate_series(0, %(days)s - 1) as n) as days
join benchmark.people as p on p.number >= days.number * %(new)s and p.number < days.number * %(new)s + %(crowd)s
cross join lateral (
  select abs(hashtext(concat(days.day, '/', p.number))) as hash
) as hashed
cross join lateral (select hash / 2 %% 13 + 4 as n_events, hash / 32 %% %(pool)s as start) as visits
cross join lateral generate_series(1, visits.n_events) as e
join benchmark.pool as o on o.place = (visits.start + e) %% %(pool)s
cross join lateral (
  select days.day::timestamp at time zone 'UTC' + e * interval '37 seconds' + case
    when p.number %% 20 = 0 then case when e * 2 > visits.n_events then interval '23:45' else interval '0' end
    when e * 2 > visits.n_events then (hash / 64 %% 72000 + 10800) * interval '1 second'
    else hash / 64 %% 72000 * interval '1 second'
  end as at
) as times
where hash %% 2 = 0
"""
NOBODYS = """
insert into safe.pseudonymous_events (event_id, event_type, event_source, component, action, data, occurred_at,
  received_at, event_day, purposes)
select 'e_' || md5(concat(day, '/', e)), o.event_type, o.event_source, o.component, o.action, o.data, at, at, day, '{}'
from (select %(first)s::date + n as day from generate_series(0, %(days)s - 1) as n) as days
cross join generate_series(1, %(nobodys)s) as e
join (select *, row_number() over (order by place) - 1 as n, count(*) over () as total from benchmark.pool
  where is_nobodys) as o on o.n = e %% o.total
cross join lateral (
  select day::timestamp at time zone 'UTC' + e * 86399 / %(nobodys)s * interval '1 second' as at
) as times
"""
OTHERS = (
    """
insert into safe.anonymous_events
select anonymous_id, company, event_type, event_source, component, action, data, occurred_hour, event_day
from (
  select 'a_' || md5(event_id) as anonymous_id, company, event_type, event_source, component, action,
    data - '_client_info' as data, event_day::timestamp at time zone 'UTC' as occurred_hour, event_day,
    count(*) over (partition by event_day, company, event_type, event_source, component, action) as n
  from safe.pseudonymous_events
  where event_day >= %(first)s and event_day < %(first)s::date + %(days)s and 'sharing' = any(purposes)
) as shared
where n >= 5
""",
    """
insert into safe.text_embeddings
select event_id, subject, session, action, event_day, 1, v.embedding
from safe.pseudonymous_events
join benchmark.vectors as v on v.place = abs(hashtext(event_id)) %% %(vectors)s
where event_day >= %(first)s and event_day < %(first)s::date + %(days)s and action in ('prompt', 'response')
  and 'model_training' = any(purposes) and abs(hashtext(subject)) %% 5 = 0
""",
    """
insert into safe.exclusions
select event_day, 'no_consent', event_type, '', count(*) / 20 from safe.pseudonymous_events
where event_day >= %(first)s and event_day < %(first)s::date + %(days)s
group by event_day, event_type
""",
    """
insert into safe.event_days (event_day, raw_version, policy_digest, n_in, n_pseudonymous, n_anonymous, version)
select %(first)s::date + n, 1, 'p', 0, 0, 0, nextval('safe.event_day_version')
from generate_series(0, %(days)s - 1) as n
""",
)


@dataclass(frozen=True, slots=True)
class Product:
    """How large the product is: events of a day; its people follow from that. Day 0 is `starts_on`."""

    per_day: int
    starts_on: date

    @property
    def crowd(self) -> int:
        """People who may come on a day; half of them do."""
        return max(20, 2 * self.per_day // EVENTS_OF_A_PERSON)

    def values(self, first: int, days: int) -> dict[str, object]:
        """What the statements need for so many days from a day's number on."""
        return {
            "first": self.starts_on + timedelta(days=first), "number": first, "days": days, "pool": POOL,
            "crowd": self.crowd, "new": max(1, self.crowd // 200), "nobodys": max(1, self.per_day // 30),
            "vectors": VECTORS,
        }  # fmt: skip


def prepare(database: Database, product: Product, most_days: int) -> None:
    """Tables beside the warehouse that the days are made from."""
    from privacy.embeddings import embed

    with database.connect(ADMIN) as conn:
        conn.execute("create schema benchmark")
        conn.execute(TABLES)
        with conn.cursor().copy("copy benchmark.pool from stdin") as copy:
            for row in pool():
                copy.write_row(row)
        vectors = embed([f"text {number}" for number in range(VECTORS)], bytes(32)).tolist()
        conn.cursor().executemany(
            "insert into benchmark.vectors values (%s, %s)", [(i, str(vector)) for i, vector in enumerate(vectors)]
        )
        people = product.crowd + most_days * max(1, product.crowd // 200)
        conn.execute(PEOPLE, {"first": 0, "last": people, "companies": max(5, product.crowd // 20)})
        conn.execute("analyze benchmark.pool")
        conn.execute("analyze benchmark.people")


def pool() -> Iterable[tuple[object, ...]]:
    """The simulator's events, each person's in a row."""
    from collection.simulator import SimulationSpec, simulate

    events = simulate(SimulationSpec(seed=7, n_events=POOL, n_days=28)).events.to_pylist()
    events.sort(key=lambda event: (event["user_id"] or "~", event["created_at"]))
    for place, event in enumerate(events):
        data = {key: value for key, value in json.loads(event["data"]).items() if key not in PRIVATE}
        action, data = of_a_website(place, event["action"], data)
        yield (
            place, event["user_id"] is None, event["event_type"], event["event_source"], event["component"], action,
            json.dumps(data),
        )  # fmt: skip


def of_a_website(place: int, action: str, data: dict[str, object]) -> tuple[str, dict[str, object]]:
    """The simulator sends no pings, vitals and banners: some of its clicks are taken for them."""
    seen: dict[str, object] = {"page_view_id": f"v{place // 4}", "page_path": "/tasks", "view_height": 800}
    if action == "page_view":
        return action, data | seen
    if action != "click" or place % 3 == 0 or (place % 3 == 2 and place % 40 > 1):
        return action, data
    if place % 3 == 1 and place % 2:
        return "page_ping", seen | {"scroll_y": place % 900, "page_height": 2000}
    if place % 3 == 1:
        return "web_vitals", seen | {"lcp_ms": 900 + place % 3000, "cls": place % 30 / 100, "inp_ms": place % 400}
    return "consent_preferences", {
        "consent_type": ["allow_all", "allow_selected", "deny_all"][place % 3], "consent_version": "3",
        "consent_scopes": ["analytics", "model_training"][: 1 + place % 2],
    }  # fmt: skip


def write_days(conn: psycopg.Connection, product: Product, first: int, days: int) -> None:
    """The events of so many days from a day's number on, listed as the privacy transform lists them."""
    values = product.values(first, days)
    for statement in (EVENTS, NOBODYS, *OTHERS):
        conn.execute(statement.encode(), values)


def count(database: Database) -> int:
    """Events in the warehouse."""
    with database.connect(ADMIN) as conn:
        row = conn.execute("select count(*) from safe.pseudonymous_events").fetchone()
    return int(row[0]) if row else 0
