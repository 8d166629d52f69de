"""Tables and reviews that others made, read from the shared data as columns of figures and labels. Nothing is fitted.

Codes that only look like numbers (browser, region) are labels here. No column is made of another, or of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip
SHOPPER_CODES = ("OperatingSystems", "Browser", "Region", "TrafficType")
RAPID_SECONDS = 60
SHRINK = 4.0  # reviews of nobody in particular that are added before a share is taken: one of one is no pattern


@dataclass(frozen=True, slots=True)
class Classified:
    """Columns (n, k) and classes (n,)."""

    columns: pd.DataFrame
    classes: np.ndarray[Any, np.dtype[np.bool_]]


def telco(folder: Path) -> Classified:
    """7,043 customers of a telephone company and whether they left; a total that is blank is missing."""
    table = pd.read_csv(folder / "telco" / "telco_customer_churn.csv.gz")
    columns = table.drop(columns=["customerID", "Churn"])
    columns["TotalCharges"] = pd.to_numeric(columns["TotalCharges"], errors="coerce")
    return Classified(columns, (table["Churn"] == "Yes").to_numpy(np.bool_))


def shoppers(folder: Path) -> Classified:
    """12,330 sessions of a shop and whether they bought, duplicates as published."""
    table = pd.read_csv(folder / "shoppers" / "online_shoppers_intention.csv.gz")
    columns = table.drop(columns=["class"])
    columns = columns.assign(**{name: columns[name].astype(str) for name in SHOPPER_CODES})
    return Classified(columns, (table["class"].astype(str).str.upper() == "TRUE").to_numpy(np.bool_))


def adult(folder: Path, part: str) -> Classified:
    """The census of 1994 and incomes above 50,000; part data (32,561) or test (16,281), as split by its authors."""
    table = pd.read_csv(
        folder / "adult" / f"adult.{part}.gz", names=list(ADULT_COLUMNS), skipinitialspace=True, na_values="?",
        comment="|",
    )  # fmt: skip
    return Classified(table.drop(columns=["income"]), table["income"].str.startswith(">50K").to_numpy(np.bool_))


def reviews(folder: Path) -> pd.DataFrame:
    """578,805 reviews: reviewerId, vendorId, rating 0 to 5, and when, as date."""
    return pd.read_csv(folder / "reviews" / "anonreviews.csv.bz2", parse_dates=["date"])


def reviewer_signs(found: pd.DataFrame) -> pd.DataFrame:
    """Signs of each reviewer, of which more is worse, for risk.RiskScore: index reviewerId."""
    ordered = found.sort_values(["reviewerId", "date"], kind="stable")
    gaps = ordered.groupby("reviewerId")["date"].diff().dt.total_seconds()
    days = ordered["date"].dt.floor("D")
    marked = ordered.assign(
        is_rapid=gaps <= RAPID_SECONDS,
        is_lowest=ordered["rating"] == 0,
        strays=(ordered["rating"] - ordered.groupby("vendorId")["rating"].transform("mean")).abs(),
    )
    by = marked.groupby("reviewerId")
    n = by.size()
    return pd.DataFrame(
        {
            "n_reviews": n,
            "most_of_one_vendor": _most(ordered, [ordered["vendorId"]]),
            "share_of_one_vendor": _most(ordered, [ordered["vendorId"]]) / (n + SHRINK),
            "most_of_one_day": _most(ordered, [days]),
            "share_of_one_rating": _most(ordered, [ordered["rating"]]) / (n + SHRINK),
            "share_of_lowest_rating": by["is_lowest"].sum() / (n + SHRINK),
            "rapid_share": by["is_rapid"].sum() / (n + SHRINK),
            "mean_distance_from_vendor": by["strays"].sum() / (n + SHRINK),
        }
    ).astype(np.float64)


def vendor_figures(found: pd.DataFrame, least_people: int) -> tuple[pd.DataFrame, np.ndarray[Any, np.dtype[np.int64]]]:
    """Figures of each vendor that least_people reviewers wrote about, and how many did: index vendorId."""
    by = found.groupby("vendorId")
    n, people = by.size(), by["reviewerId"].nunique()
    rows = pd.DataFrame(
        {
            "n_reviews": n,
            "mean_rating": by["rating"].mean(),
            "share_of_lowest": (found["rating"] <= 1).groupby(found["vendorId"]).mean(),
            "reviews_per_reviewer": n / people,
        }
    ).astype(np.float64)
    shared = (people >= least_people).to_numpy()
    return rows[shared], np.asarray(people.to_numpy()[shared], dtype=np.int64)


def _most(ordered: pd.DataFrame, within: Sequence[pd.Series[Any]]) -> pd.Series[Any]:
    """The most reviews of a reviewer that agree in what is given."""
    return ordered.groupby([ordered["reviewerId"], *within]).size().groupby("reviewerId").max()
