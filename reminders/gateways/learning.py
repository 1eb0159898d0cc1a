"""scikit-learn, the optional part that fits models. Nothing else knows it; what it finds leaves here as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from reminders.domain.ports import Fit
from reminders.errors import LearnerMissing

#: Inverse strength of the L2 penalty on weights of columns of unit variance: scikit-learn's own default.
_STRENGTH = 1.0
_MOST_STEPS = 1000


def logistic_regression(rows: Sequence[Sequence[float]], outcomes: Sequence[bool]) -> Fit:
    """A ``Learner``: L2-penalised logistic regression on standardised columns, told in the columns' own units."""
    pipeline, scaler, regression = _parts()
    fitted = pipeline.make_pipeline(
        scaler.StandardScaler(), regression.LogisticRegression(C=_STRENGTH, max_iter=_MOST_STEPS)
    ).fit(rows, outcomes)
    scale, found = fitted[0], fitted[1]
    weights = tuple(float(weight / spread) for weight, spread in zip(found.coef_[0], scale.scale_, strict=True))
    shift = sum(weight * float(mean) for weight, mean in zip(weights, scale.mean_, strict=True))
    return Fit(float(found.intercept_[0]) - shift, weights)


def _parts() -> tuple[Any, Any, Any]:
    """Loaded when somebody trains: it takes a second, and most installations do without."""
    try:
        found = [import_module(f"sklearn.{name}") for name in ("pipeline", "preprocessing", "linear_model")]
    except ImportError as problem:
        raise LearnerMissing() from problem
    return found[0], found[1], found[2]
