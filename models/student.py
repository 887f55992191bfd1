"""Student's t: intervals and tests of a difference, of a mean, and of any estimate with a standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "TTest", "no_variation", "paired_t", "pooled_t", "t_test", "welch_t"]

FloatArray = npt.NDArray[np.float64]

_NOISE = 16 * np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class TTest:
    """An estimate with its t inference; statistic, limits and p-value are NaN where the data have no variation.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        In the unit of the values.
    df, statistic, p_value : float
        Degrees of freedom (greater than 0), t, two-sided p.
    """

    estimate: float
    std_error: float
    df: float
    statistic: float
    conf_low: float
    conf_high: float
    p_value: float


def no_variation(std_error: float, scale: float) -> bool:
    """Say whether a standard error is zero up to the rounding of values as large as `scale`."""
    return not std_error > _NOISE * scale


def t_test(estimate: float, std_error: float, df: float, conf_level: float, scale: float) -> TTest:
    """Test an estimate against 0 and give its interval.

    Parameters
    ----------
    estimate, std_error : float
        In the unit of the values.
    df : float
        Degrees of freedom, greater than 0.
    conf_level : float
        In (0, 1).
    scale : float
        Largest absolute value in the data; a standard error that is only rounding of it counts as none.

    Returns
    -------
    TTest
        Two-sided.
    """
    from scipy import stats

    if no_variation(std_error, scale):
        return TTest(estimate, 0.0, df, np.nan, np.nan, np.nan, np.nan)
    statistic = estimate / std_error
    half = float(stats.t.isf((1 - conf_level) / 2, df)) * std_error
    p_value = 2 * float(stats.t.sf(abs(statistic), df))
    return TTest(estimate, std_error, df, statistic, estimate - half, estimate + half, p_value)


def welch_t(treated: FloatArray, reference: FloatArray, conf_level: float = 0.95) -> TTest:
    """Compare two means without assuming equal variances.

    Parameters
    ----------
    treated, reference : array of float, shapes (n_treated,) and (n_reference,)
        Finite values, two or more each.
    conf_level : float
        In (0, 1).

    Returns
    -------
    TTest
        Mean of `treated` minus mean of `reference`, with Satterthwaite's degrees of freedom.

    References
    ----------
    Welch BL. Biometrika 1947;34:28-35. https://doi.org/10.1093/biomet/34.1-2.28
    """
    variances = treated.var(ddof=1) / treated.size, reference.var(ddof=1) / reference.size
    std_error = float(np.sqrt(sum(variances)))
    scale = _scale(treated, reference)
    df = float(treated.size + reference.size - 2)
    if not no_variation(std_error, scale):
        shares = np.array(variances) / sum(variances)
        df = float(1 / (shares**2 / np.array([treated.size - 1, reference.size - 1])).sum())
    return t_test(float(treated.mean() - reference.mean()), std_error, df, conf_level, scale)


def pooled_t(treated: FloatArray, reference: FloatArray, conf_level: float = 0.95) -> TTest:
    """Compare two means under equal variances.

    Parameters
    ----------
    treated, reference : array of float, shapes (n_treated,) and (n_reference,)
        Finite values, two or more each.
    conf_level : float
        In (0, 1).

    Returns
    -------
    TTest
        Mean of `treated` minus mean of `reference`, on n - 2 degrees of freedom.
    """
    df = float(treated.size + reference.size - 2)
    squares = treated.var() * treated.size + reference.var() * reference.size
    std_error = float(np.sqrt(squares / df * (1 / treated.size + 1 / reference.size)))
    difference = float(treated.mean() - reference.mean())
    return t_test(difference, std_error, df, conf_level, _scale(treated, reference))


def paired_t(first: FloatArray, second: FloatArray, conf_level: float = 0.95) -> TTest:
    """Test the mean change from `first` to `second`.

    Parameters
    ----------
    first, second : array of float, shape (n,)
        Finite values of the same two or more participants.
    conf_level : float
        In (0, 1).

    Returns
    -------
    TTest
        Mean of ``second - first``, on n - 1 degrees of freedom.
    """
    change = second - first
    std_error = float(change.std(ddof=1) / np.sqrt(change.size))
    return t_test(float(change.mean()), std_error, float(change.size - 1), conf_level, _scale(first, second))


def _scale(*groups: FloatArray) -> float:
    return float(max(np.abs(group).max() for group in groups))
