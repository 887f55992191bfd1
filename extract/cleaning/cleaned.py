"""Cleaned series of a set of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.extract.cleaning.operator import CleaningOperator

__all__ = ["Cleaned", "cleaned_series"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_NOTHING = 1e-10
"""Share of a series that is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """Cleaned series of one scan.

    Attributes
    ----------
    series : ndarray, shape (n_retained, n_nodes)
        Residuals of the retained volumes; NaN for a node without a usable series.
    censored : ndarray of bool, shape (n_volumes,)
        Volumes that were left out.
    minutes : float
        Time of the retained volumes.
    effective_df : float
        Independent volumes whose correlations would scatter as much, at least 1: the standard error of Fisher's z is
        ``1 / sqrt(effective_df - 3)``; see `neurotrial.extract.cleaning.effective.effective_df`.
    n_regressors : int
        Independent regressors that were taken out.
    strategy : str
        Name of the cleaning strategy.
    reasons : tuple of str
        For each node why it is NaN; empty where it is not.
    note : str
        What should be known about the confounds; empty where nothing is remarkable.
    """

    series: FloatArray
    censored: BoolArray
    minutes: float
    effective_df: float
    n_regressors: int = 0
    strategy: str = "none"
    reasons: tuple[str, ...] = ()
    note: str = ""

    @property
    def n_volumes(self) -> int:
        """Retained volumes."""
        return len(self.series)


def cleaned_series(operator: CleaningOperator, series: Any) -> Cleaned:
    """Clean a set of nodes by the operator of their scan.

    Parameters
    ----------
    operator : CleaningOperator
        Of the scan.
    series : array, shape (n_volumes, n_nodes)
        Mean signal of each node.

    Returns
    -------
    Cleaned
        A node without numbers, with a constant series, or of which the operator leaves nothing is NaN.
    """
    values = np.array(series, dtype="float64")
    missing = (~np.isfinite(values[~operator.censored])).sum(axis=0)
    values[:, missing > 0] = 0.0
    found = operator.apply(values)
    reasons = _reasons(values[~operator.censored], found, missing)
    found[:, [bool(reason) for reason in reasons]] = np.nan
    return Cleaned(
        found, operator.censored, operator.minutes, operator.effective_df, operator.n_regressors, operator.strategy,
        reasons, operator.note,
    )  # fmt: skip


def _reasons(before: FloatArray, after: FloatArray, missing: Any) -> tuple[str, ...]:
    """Return why each node has no series."""
    size = np.linalg.norm(before, axis=0)
    spread = np.linalg.norm(before - before.mean(axis=0), axis=0)
    left = np.linalg.norm(after - after.mean(axis=0), axis=0)
    return tuple(
        f"not finite in {missing[node]} of {len(before)} retained volumes" if missing[node]
        else "constant" if spread[node] <= _NOTHING * size[node]
        else "filter and regression leave nothing of it" if left[node] <= _NOTHING * spread[node]
        else ""
        for node in range(before.shape[1])
    )  # fmt: skip
