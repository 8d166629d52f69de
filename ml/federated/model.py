"""The linear churn model that silos share: arcsinh, scaling, weights. How they are learned: local and training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.federated.errors import FederatedInputError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Floats = NDArray[np.float64]
LARGEST = 16.0  # arcsinh of about 4.4 million: what lies beyond counts as that


@dataclass(frozen=True, slots=True)
class LinearModel:
    """center, scale (k,): of the features after arcsinh; weights (k + 1,): the intercept is the last one."""

    columns: tuple[str, ...]
    center: Floats
    scale: Floats
    weights: Floats

    @classmethod
    def blank(cls, columns: tuple[str, ...], center: Floats, scale: Floats, share: float) -> LinearModel:
        """A model that says the share of positive rows to everybody."""
        weights = np.zeros(len(columns) + 1)
        weights[-1] = np.log(share / (1 - share)) if 0 < share < 1 else 0.0
        return cls(columns, center, scale, weights)

    def moved(self, step: Floats) -> LinearModel:
        """The model with other weights: these plus step (k + 1,)."""
        return LinearModel(self.columns, self.center, self.scale, self.weights + step)

    def design(self, features: Floats) -> Floats:
        """Features (n, k) as the weights see them, (n, k + 1): scaled, a missing one as the mean, and a one."""
        scaled = (squeezed(features) - self.center) / self.scale
        return np.column_stack([np.nan_to_num(scaled, nan=0.0), np.ones(len(features))])

    def probabilities(self, features: Floats) -> Floats:
        """P(churn) of rows (n, k): (n,)."""
        return sigmoid(self.design(features) @ self.weights)

    def pipeline(self) -> Pipeline:
        """The same model as a fitted Pipeline of the churn ladder's logistic rung: what the registry and gates know."""
        import pandas as pd
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler

        # Fitted on the two rows whose mean and deviation are the model's own; then the weights are put in.
        ends = pd.DataFrame(np.sinh([self.center - self.scale, self.center + self.scale]), columns=list(self.columns))
        steps = Pipeline(
            [
                ("impute", SimpleImputer(strategy="mean", keep_empty_features=True)),
                ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")),
                ("scale", StandardScaler()),
                ("classify", LogisticRegression()),
            ]
        ).fit(ends, np.array([False, True]))
        steps["impute"].statistics_ = np.sinh(self.center)
        steps["scale"].mean_, steps["scale"].scale_ = self.center.copy(), self.scale.copy()
        steps["classify"].coef_, steps["classify"].intercept_ = self.weights[None, :-1].copy(), self.weights[-1:].copy()
        return steps


def squeezed(features: Floats) -> Floats:
    """arcsinh, at most LARGEST in size; missing values stay missing."""
    return np.clip(np.arcsinh(features), -LARGEST, LARGEST)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e^-x) without overflow."""
    half: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return half


def require_columns(found: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Raises FederatedInputError where silos would add up different features."""
    if found != expected:
        other = sorted(set(found) ^ set(expected))[:3]
        raise FederatedInputError(f"a silo has other features than the plan ({', '.join(other) or 'another order'})")
