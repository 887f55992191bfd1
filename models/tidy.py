"""The one shape in which every estimator hands over its numbers: a row for each estimate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = ["TIDY_COLUMNS", "Estimate", "failed_row", "tidy_frame"]

Term = Literal["arm", "within_arm", "group_by_time", "lsmean", "coefficient", "contrast", "association"]
IntervalKind = Literal[
    "t",
    "normal",
    "noncentral_t",
    "permutation",
    "percentile",
    "score",
    "exact_rank",
    "asymptotic_rank",
    "eti",
    "hdi",
    "none",
]

_DTYPES: dict[str, str] = {
    "method": "str",
    "term": "str",
    "contrast": "str",
    "visit": "str",
    "estimate": "float64",
    "std_error": "float64",
    "df": "float64",
    "statistic": "float64",
    "conf_low": "float64",
    "conf_high": "float64",
    "conf_level": "float64",
    "interval_kind": "str",
    "p_value": "float64",
    "probability_benefit": "float64",
    "probability_mcid": "float64",
    "probability_rope": "float64",
    "n_participants": "Int64",
    "n_per_arm": "str",
    "n_observations": "Int64",
    "status": "str",
    "reason": "str",
}
TIDY_COLUMNS = tuple(_DTYPES)
"""The columns of every `tidy()` frame, in their order."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimate with its inference.

    Attributes
    ----------
    method : str
        Slug of the estimator, e.g. ``"ancova_hc3"``.
    term : {"arm", "within_arm", "group_by_time", "lsmean", "coefficient", "contrast", "association"}
        Difference between arms, change within an arm, difference between arms in the change, least-squares mean,
        coefficient of the model, any other linear function, or how two measures go together.
    contrast : str
        What is compared, e.g. ``"cells - control"``, ``"day90 - baseline @ cells"`` or ``"mean @ cells"``.
    n_per_arm : mapping of str to int
        Participants in the estimate, in the order of the arms.
    visit : str
        The visit of the outcome; empty where the input has none.
    estimate, std_error, df, statistic, conf_low, conf_high, p_value : float
        NaN where the method has no such number. Units of estimate, standard error and limits are the outcome's.
    conf_level : float
        Confidence level of the interval, in (0, 1).
    interval_kind : {"t", "normal", "noncentral_t", "permutation", "percentile", "score", "exact_rank", "asymptotic_rank", "eti", "hdi", "none"}
        How the interval was made (``percentile``: of a bootstrap; ``score``: by inversion of a score test); the last but one are equal-tailed and highest density intervals of a posterior.
    probability_benefit, probability_mcid, probability_rope : float
        Posterior probability of a benefit, of one beyond the minimal clinically important difference, and of a
        difference within the region of practical equivalence; NaN where there is no posterior or no such difference. A posterior's mean and SD stand in ``estimate`` and ``std_error``.
    rows_per_participant : int
        Values of the outcome that each participant gives; 2 for a paired comparison.
    n_rows : int or None
        Values of the outcome in all, where participants give different numbers of them.
    status : {"ok", "failed"}
        Whether the inference could be computed.
    reason : str
        Why not, or what should be known about the number.
    """

    method: str
    term: Term
    contrast: str
    n_per_arm: Mapping[str, int] = field(default_factory=dict)
    visit: str = ""
    estimate: float = np.nan
    std_error: float = np.nan
    df: float = np.nan
    statistic: float = np.nan
    conf_low: float = np.nan
    conf_high: float = np.nan
    conf_level: float = np.nan
    interval_kind: IntervalKind = "none"
    p_value: float = np.nan
    probability_benefit: float = np.nan
    probability_mcid: float = np.nan
    probability_rope: float = np.nan
    rows_per_participant: int = 1
    n_rows: int | None = None
    status: Literal["ok", "failed"] = "ok"
    reason: str = ""

    @property
    def n_participants(self) -> int:
        """Participants in the estimate."""
        return sum(self.n_per_arm.values())

    @property
    def n_observations(self) -> int:
        """Values of the outcome in the estimate."""
        return self.n_participants * self.rows_per_participant if self.n_rows is None else self.n_rows


def tidy_frame(estimates: Iterable[Estimate]) -> pd.DataFrame:
    """Put estimates into a table with the columns `TIDY_COLUMNS`, one row each.

    Parameters
    ----------
    estimates : iterable of Estimate
        May be empty.

    Returns
    -------
    DataFrame
        The dtypes do not depend on the values, so that tables of several estimators can be stacked.
    """
    rows = list(estimates)
    return pd.DataFrame(
        {name: _column([_cell(row, name) for row in rows], dtype) for name, dtype in _DTYPES.items()}
    )


def _column(values: list[Any], dtype: str) -> Any:
    if dtype == "float64":
        return np.array(values, dtype="float64")
    return pd.array(values, dtype="Int64") if dtype == "Int64" else pd.array(values, dtype="str")


def failed_row(method: str, reason: str, contrast: str = "arm", visit: str = "") -> pd.DataFrame:
    """Return the row of an estimate between arms that could not be computed.

    Parameters
    ----------
    method : str
        Slug of the estimator.
    reason : str
        Why there is no estimate.
    contrast : str
        What would have been compared.
    visit : str
        The visit of the outcome.

    Returns
    -------
    DataFrame
        One row with status ``failed``; every number is missing.

    Examples
    --------
    >>> failed_row("ancova_hc3", "the baseline is constant")["status"].item()
    'failed'
    """
    return tidy_frame([Estimate(method, "arm", contrast, visit=visit, status="failed", reason=reason)])


def _cell(estimate: Estimate, name: str) -> object:
    if name == "n_per_arm":
        return json.dumps(dict(estimate.n_per_arm), ensure_ascii=False)
    return getattr(estimate, name)
