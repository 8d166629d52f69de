"""Revenue, experiments and ratings from one build: the figures of others, and any history equals a full refresh."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from scipy import stats

from tests.conftest import cloned
from tests.dbt_project import billing_cases as cases
from tests.dbt_project.conftest import MODULE_DATABASE, Event, Project, Runner
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.shared_data]

TABLES = (
    "aggregates.agg_subscription_changes",
    "aggregates.agg_subscription_periods",
    "aggregates.agg_company_month_mrr",
    "aggregates.agg_company_day_usage",
    "aggregates.agg_company_month_costs",
    "aggregates.agg_customer_purchases",
    "aggregates.agg_rating_pair_days",
    "aggregates.agg_experiment_days",
    "aggregates.agg_outcome_days",
    "aggregates.agg_experiment_subjects",
    "aggregates.agg_quality_days",
    "marts.mart_mrr_movements",
    "marts.mart_subscriptions",
    "marts.mart_experiment_results",
    "marts.mart_ltv",
)
MODELS = (
    *("stg_analytics_events", "stg_training_events", "agg_company_channels", "agg_outcome_days"),
    *("agg_subscription_changes+", "agg_company_day_usage+", "agg_customer_purchases+", "agg_rating_pair_days+"),
    *("agg_experiment_days+", "agg_quality_days+", "mart_storage_cost", "agg_analytics_counts", "agg_training_counts"),
)
OF_SAAS = "where plan <> 'Cash'"
QUERIES = {
    "subscriptions": "select sum(sold_mrr), sum(lost_mrr), sum(n_lost), sum(n_subscriptions),"
    f" round(100 * sum(n_lost) / sum(n_running + n_lost), 2) from marts.mart_subscriptions {OF_SAAS}",
    "mrr": "select sum(mrr) from marts.mart_subscriptions",
    "movements": "select month_on, movement, count(*), sum(mrr_change) from aggregates.agg_company_month_mrr"
    " where company like 'A-%' group by 1, 2",
    "months": "select mrr_start, mrr_end from marts.mart_mrr_movements order by month_on",
    "purchases": "select company, frequency, recency_weeks, age_weeks from features.ftr_customer_purchases",
    "smears": "select subject, component, n_zeros, n_ratings from aggregates.agg_rating_pairs where is_smear",
    "experiment": "select n_people, n_converted, difference_low, difference_high, amount_difference_low,"
    " amount_difference_high, srm_chi_square, has_srm, is_complete, is_significant"
    " from marts.mart_experiment_results order by variant desc",
}
Figures = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def log(shared_data: Path) -> list[Event]:
    """Everything that is in the database at the first build."""
    return [
        *cases.subscriptions(shared_data),
        *cases.purchases(shared_data),
        *cases.reviews(shared_data),
        *cases.experiment(),
        *cases.cash_and_trials(),
    ]


@pytest.fixture(scope="module")
def built(
    template: Database, runner: Runner, tmp_path_factory: pytest.TempPathFactory, log: list[Event]
) -> Iterator[Project]:
    """The revenue models built once."""
    folder = tmp_path_factory.mktemp("revenue")
    settings = replace(Settings.load(folder / "home"), home=folder / "home")
    with cloned(template, MODULE_DATABASE) as database:
        project = Project(database, settings, folder / "target", runner)
        project.replace_days(log)
        run(project, "build")
        yield project


@pytest.fixture(scope="module")
def figures(built: Project) -> Figures:
    """What the first build says, read before any test changes the log."""
    return {name: built.rows(query) for name, query in QUERIES.items()}


def run(project: Project, command: str, *arguments: str) -> None:
    """Run the models of this module with a small registry of experiments."""
    chosen = ("--select", *MODELS, "--vars", json.dumps({"experiments": cases.EXPERIMENT}))
    tests = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious") if command == "build" else ()
    assert project.run(command, *chosen, *tests, *arguments), project.output.read_text()


def test_contracts_sold_and_lost_are_the_published_figures(figures: Figures) -> None:
    assert figures["subscriptions"] == [(11_338_747, 1_179_139, 486, 5000, Decimal("9.72"))]


def monthly_mrr(folder: Path) -> dict[str, dict[date, int]]:
    """MRR of each account at every month's end, by brute force over the source rows."""
    ends = [date(2023 + n // 12, n % 12 + 1, 1) for n in range(1, 25)]
    found: dict[str, dict[date, int]] = defaultdict(lambda: dict.fromkeys(ends, 0))
    for row in cases.rows_of(folder / "saas_subscriptions" / "ravenstack_subscriptions.csv.gz"):
        start, end = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"] or "9999-12-31")
        for next_month in ends:
            if start <= next_month - timedelta(days=1) < end:
                found[row["account_id"]][next_month] += int(row["mrr_amount"])
    return found


def kind_of_change(before: int, after: int, *, was_customer: bool) -> str:
    """The movement of one account in one month, as the definitions say."""
    if before == 0:
        return "reactivation" if was_customer else "new"
    return "churn" if after == 0 else "expansion" if after > before else "contraction"


def test_movements_of_every_month_equal_brute_force(figures: Figures, shared_data: Path) -> None:
    expected: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for by_month in monthly_mrr(shared_data).values():
        before, was_customer = 0, False
        for next_month, after in by_month.items():
            if after != before:
                month = (next_month - timedelta(days=1)).replace(day=1)
                entry = expected[month, kind_of_change(before, after, was_customer=was_customer)]
                entry[0] += 1
                entry[1] += after - before
            before, was_customer = after, was_customer or after > 0
    assert {(row[0], row[1]): list(row[2:]) for row in figures["movements"]} == expected
    assert {kind for _, kind in expected} == {"new", "reactivation", "expansion", "contraction", "churn"}


def test_published_months_begin_where_the_last_one_ended(figures: Figures) -> None:
    months = figures["months"]
    assert len(months) >= 20
    assert [end for _, end in months[:-1]] == [start for start, _ in months[1:]]
    assert months[-1][1] == figures["mrr"][0][0]


def test_purchases_equal_the_published_summary(figures: Figures, shared_data: Path) -> None:
    found = {str(row[0]): row[1:] for row in figures["purchases"]}
    lines = (shared_data / "cdnow" / "cdnow_customers_summary.csv").read_text().splitlines()[1:]
    assert len(lines) == len(found) == 2357
    for line in lines:
        customer, *published = line.split(",")
        assert found[customer] == pytest.approx([float(f) for f in published], abs=0.0051), customer


def test_a_reviewer_who_smears_one_vendor_is_found(figures: Figures) -> None:
    assert figures["smears"] == [("reviewer 10392", "vendor 122", 94, 94)]


def test_an_experiment_equals_scipy(figures: Figures) -> None:
    rows = figures["experiment"]
    old, new = cases.outcomes().values()
    assert rows[0][:2] == (len(old), sum(a > 0 for a in old))
    low, high, amount_low, amount_high, chi_square = (float(str(f)) for f in rows[1][2:7])
    welch = stats.ttest_ind(new, old, equal_var=False)
    error = (sum(new) / len(new) - sum(old) / len(old)) / welch.statistic
    middle = sum(new) / len(new) - sum(old) / len(old)
    quantile = stats.norm.ppf(0.975)
    assert (amount_low, amount_high) == pytest.approx((middle - quantile * error, middle + quantile * error), abs=1e-5)
    shares = [sum(a > 0 for a in amounts) / len(amounts) for amounts in (new, old)]
    spread = sum(s * (1 - s) / len(a) for s, a in zip(shares, (new, old), strict=True)) ** 0.5
    margin = quantile * spread
    assert (low, high) == pytest.approx((shares[0] - shares[1] - margin, shares[0] - shares[1] + margin), abs=1e-5)
    assert chi_square == pytest.approx(stats.chisquare([len(new), len(old)]).statistic, abs=1e-5)
    assert rows[1][7:] == (False, True, True)


@pytest.mark.usefixtures("figures")
def test_a_history_of_changes_equals_a_full_refresh(built: Project, log: list[Event]) -> None:
    left, days = cases.later_changes(log)
    built.replace_days([e for e in left if e.occurred_at.date() in days], days=days)
    run(built, "run")
    contents, days_built = built.contents(TABLES), built.built_days()
    assert all(contents.values())
    run(built, "run", "--full-refresh")
    assert built.contents(TABLES) == contents
    assert built.built_days() == days_built
