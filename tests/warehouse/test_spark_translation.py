"""PostgreSQL said in Spark's SQL: what reads differently, and what is refused. No Spark here."""

from __future__ import annotations

import pytest

from warehouse.spark.dialect import UntranslatableError
from warehouse.spark.translation import tables_of, translated

DAYS = {"subject": "text", "event_day": "date", "at": "timestamptz", "n": "int", "cost": "numeric", "tags": "text[]"}
COLUMNS = {"aggregates": {"days": DAYS, "people": {"subject": "text", "cutoff_on": "date", "n": "int"}}}


def said(query: str) -> str:
    """A query over days, without the words for which table a column is of."""
    return translated("agg_some", query, COLUMNS).replace("d.", "")


@pytest.mark.parametrize(
    ("postgres", "spark"),
    [
        ("event_day - date '2024-01-01'", "DATEDIFF(event_day, CAST('2024-01-01' AS DATE))"),
        ("event_day - 7 * n", "DATE_SUB(event_day, CAST(7 * n AS INT))"),
        ("event_day + interval '1 day'", "CAST(event_day AS TIMESTAMP) + INTERVAL '1' DAY"),
        ("n / 5", "n DIV 5"),
        ("cost / n", "CAST(cost AS DOUBLE) / CAST(n AS DOUBLE)"),
        ("cost::int", "CAST(ROUND(cost) AS INT)"),
        ("(at at time zone 'UTC')::date", "CAST((at) AS DATE)"),
        ("extract(epoch from at - at)", "(UNIX_MICROS(TIMESTAMP '1970-01-01 00:00:00' + (at - at)) * 0.000001)"),
        ("tags[1]", "GET(tags, CAST(1 AS INT) - 1)"),
        ("tags[n - 1]", "GET(tags, CAST(n - 1 AS INT) - 1)"),
        ("array_agg(distinct subject)", "NULLIF(ARRAY_SORT(COLLECT_SET(subject)), ARRAY())"),
        ("string_agg(subject, ',' order by at)", "LISTAGG(subject, ',') WITHIN GROUP (ORDER BY at NULLS LAST)"),
        ("lag(n) over w", "LAG(n) OVER (PARTITION BY subject ORDER BY at NULLS LAST)"),
        ("n::bit(3)", "((n) & 7)"),
    ],
)
def test_a_construct_is_said_as_spark_says_it(postgres: str, spark: str) -> None:
    windows = " window w as (partition by d.subject order by d.at)" if "over w" in postgres else ""
    assert said(f"select {postgres} as x from aggregates.days as d{windows}") == (
        f"SELECT {spark} AS x FROM aggregates.days AS d"
    )


def test_an_aggregate_over_a_lateral_is_a_join_and_a_group() -> None:
    found = said(
        "select p.subject, s.n_week from aggregates.people as p cross join lateral ("
        "select count(*) filter (where d.event_day >= p.cutoff_on - 7) as n_week from aggregates.days as d"
        " where d.subject = p.subject and d.n > 0) as s"
    )
    assert "LATERAL" not in found
    assert "LEFT JOIN" in found
    assert "found_row.is_there AND" in found, "an outer row without any row counts none"


@pytest.mark.parametrize(
    "lateral",
    [
        "left join lateral (select max(d.n) as n from aggregates.days as d where d.n > p.n) as s on s.n > 1",
        "cross join lateral (select d.n from aggregates.days as d where d.subject = p.subject limit 1) as s",
    ],
)
def test_other_laterals_stay_what_they_are(lateral: str) -> None:
    assert "JOIN LATERAL (SELECT" in said(f"select p.subject, s.n from aggregates.people as p {lateral}")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select pg_total_relation_size('x') as n", "asks the PostgreSQL server"),
        ("select unheard_of(n) - event_day as n from aggregates.days", "cast it in the model"),
        ("select at at time zone 'Europe/Paris' as n from aggregates.days", "a time zone other than UTC"),
        ("select array_agg(n) as n from aggregates.days", "without an order"),
        ("select from where", "Expected"),
    ],
)
def test_what_cannot_be_said_is_refused_with_model_and_construct(query: str, reason: str) -> None:
    with pytest.raises(UntranslatableError, match=rf"(?s)model mart_some .*{reason}"):
        translated("mart_some", query, COLUMNS)


def test_the_tables_of_a_query_are_known_without_its_own_names() -> None:
    assert tables_of('with a as (select * from "x"."aggregates"."days") select * from a, safe.b') == {
        "aggregates.days", "safe.b",
    }  # fmt: skip
