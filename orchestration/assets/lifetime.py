"""The purchases expected of each company (BG/NBD). The mathematics are ml's."""

from typing import Any

import dagster as dg

from orchestration.assets.transformations import GATE
from orchestration.platform import PlatformResource

PURCHASES = dg.AssetKey(["features", "ftr_customer_purchases"])


@dg.asset(
    key=["ml", "lifetime_values"], deps=[GATE, PURCHASES], group_name="ml", owners=["team:ml"], kinds={"postgres"},
    description="Purchases expected of each company in a year, by BG/NBD. A log without enough payments has none.",
)  # fmt: skip
def lifetime_values(platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """Fit to the purchases as they are and store what is expected."""
    from ml.lifetime_value import LifetimeFitError
    from ml.lifetime_values import refit

    opened = platform.open()
    with opened.database.connect("ml") as conn:
        try:
            fit = refit(conn, fitted_at=opened.settings.now())
        except LifetimeFitError as reason:
            return dg.MaterializeResult(metadata={"dagster/row_count": 0, "not_fitted": str(reason)})
    return dg.MaterializeResult(metadata={"dagster/row_count": fit.n_customers, "log_likelihood": fit.log_likelihood})
