"""From fits of completed data to estimates with their tests: the jackknife, or Rubin's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.missing_data.rubin import rubin

if TYPE_CHECKING:
    from neurotrial.models.missing_data.completed_fits import CompletedFits
    from neurotrial.models.student import FloatArray

__all__ = ["Inferred", "jackknifed", "pooled"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """Estimates with their tests, arrays of shape (n_deltas, T, F) each.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : array of float
        Two-sided; df is infinite for normal tests.
    mc_error : array of float
        Monte Carlo standard error of the estimate; 0 for conditional means.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    mc_error: FloatArray

    @property
    def n_functions(self) -> int:
        """Contrasts and means at each visit."""
        return int(self.estimate.shape[2])


def jackknifed(fits: CompletedFits, deltas: FloatArray, df: FloatArray, conf_level: float) -> Inferred:
    """Return the estimates of everybody with standard errors of the jackknife.

    Parameters
    ----------
    fits : CompletedFits
        Everybody in the first cell, then without each participant in turn.
    deltas : array of float, shape (n_deltas, n_arms)
        What is added to imputed values.
    df : array of float, shape (T,)
        Degrees of freedom at each visit.
    conf_level : float
        In (0, 1).
    """
    estimates, _ = fits.at(deltas)
    left_out = estimates[:, 1:]
    n = left_out.shape[1]
    std_error = np.sqrt((n - 1) * left_out.var(axis=1))
    shape = std_error.shape
    return _tested(
        estimates[:, 0], std_error, np.broadcast_to(df[None, :, None], shape), np.zeros(shape), conf_level
    )


def pooled(fits: CompletedFits, deltas: FloatArray, conf_level: float) -> Inferred:
    """Return the estimates of draws pooled by Rubin's rules; arguments as `jackknifed`."""
    estimates, variances = fits.at(deltas)
    found = rubin(np.swapaxes(estimates, 0, 1), np.swapaxes(variances, 0, 1), fits.df)
    mc_error = np.sqrt(found.between / estimates.shape[1])
    return _tested(found.estimate, np.sqrt(found.total), found.df, mc_error, conf_level)


def _tested(
    estimate: FloatArray, std_error: FloatArray, df: FloatArray, mc_error: FloatArray, conf_level: float
) -> Inferred:
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / std_error
    half = stats.t.isf((1 - conf_level) / 2, df) * std_error
    p_value = 2 * stats.t.sf(np.abs(statistic), df)
    return Inferred(estimate, std_error, df, statistic, p_value, estimate - half, estimate + half, mc_error)
