"""Standardised effects: a difference in units of a standard deviation that is named, with its interval.

References
----------
Hedges LV. J Educ Stat 1981;6:107-128. https://doi.org/10.3102/10769986006002107
Steiger JH. Psychol Methods 2004;9:164-182. https://doi.org/10.1037/1082-989X.9.2.164
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.checks import check_level

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["StandardisedEffect", "hedges_correction", "hedges_g", "hedges_gz", "noncentral_limits"]

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class StandardisedEffect:
    """An effect in standard deviations.

    Attributes
    ----------
    estimate : float
        Corrected for small samples (Hedges' g).
    uncorrected : float
        The effect over the estimated standard deviation (Cohen's d).
    variance : float
        Large-sample variance of `estimate`; NaN where none is in use.
    conf_low, conf_high, conf_level : float
        Exact interval from the noncentral t, corrected alike.
    sd : str
        The standard deviation that is the unit, in words.
    """

    estimate: float
    uncorrected: float
    variance: float
    conf_low: float
    conf_high: float
    conf_level: float
    sd: str


def hedges_g(treated: FloatArray, reference: FloatArray, conf_level: float = 0.95) -> StandardisedEffect:
    """Return the difference of two means over the standard deviation pooled over both groups.

    Parameters
    ----------
    treated, reference : array of float
        At least two finite values each.
    conf_level : float
        In (0, 1).

    Returns
    -------
    StandardisedEffect
        In pooled standard deviations.

    Raises
    ------
    InputError
        If a group has fewer than two values, or all values of a group are the same in both groups.

    Examples
    --------
    >>> import numpy as np
    >>> effect = hedges_g(np.array([5.0, 7, 9, 8]), np.array([4.0, 5, 7]))
    >>> round(effect.estimate, 3), round(effect.conf_low, 2), round(effect.conf_high, 2)
    (0.984, -0.45, 2.34)
    """
    check_level(conf_level)
    groups = [np.asarray(values, dtype="float64") for values in (treated, reference)]
    for name, values in zip(("treated", "reference"), groups, strict=True):
        _check(name, values)
    n1, n0 = (values.size for values in groups)
    df = n1 + n0 - 2
    sd = float(np.sqrt(sum(((values - values.mean()) ** 2).sum() for values in groups) / df))
    if not sd > 0:
        raise refuse("values", "do not vary within the groups", "there is no standard deviation to divide by")
    scale = float(np.sqrt(1 / n1 + 1 / n0))
    d = float(groups[0].mean() - groups[1].mean()) / sd
    j = hedges_correction(df)
    low, high = noncentral_limits(d / scale, df, conf_level)
    g = j * d
    variance = 1 / n1 + 1 / n0 + g**2 / (2 * (n1 + n0))
    return StandardisedEffect(
        g, d, variance, j * low * scale, j * high * scale, conf_level, "pooled over the groups"
    )


def hedges_gz(changes: FloatArray, conf_level: float = 0.95) -> StandardisedEffect:
    """Return the mean of paired differences over their standard deviation.

    Parameters
    ----------
    changes : array of float
        At least two finite values.
    conf_level : float
        In (0, 1).

    Returns
    -------
    StandardisedEffect
        In standard deviations of the change.

    Raises
    ------
    InputError
        If there are fewer than two values, or they are all the same.
    """
    check_level(conf_level)
    values = np.asarray(changes, dtype="float64")
    _check("changes", values)
    sd, n = float(values.std(ddof=1)), values.size
    if not sd > 0:
        raise refuse("changes", "do not vary", "there is no standard deviation to divide by")
    d, j = float(values.mean()) / sd, hedges_correction(n - 1)
    low, high = noncentral_limits(d * np.sqrt(n), n - 1, conf_level)
    root = float(np.sqrt(n))
    return StandardisedEffect(j * d, d, np.nan, j * low / root, j * high / root, conf_level, "of the change")


def hedges_correction(df: float) -> float:
    """Return the factor that makes a standardised effect unbiased: gamma(df/2) / (sqrt(df/2) gamma((df-1)/2))."""
    from scipy.special import gammaln

    return float(np.exp(gammaln(df / 2) - 0.5 * np.log(df / 2) - gammaln((df - 1) / 2)))


def noncentral_limits(statistic: float, df: float, conf_level: float) -> tuple[float, float]:
    """Return the confidence limits of the noncentrality of a t statistic."""
    tail = (1 - conf_level) / 2
    return _noncentrality(statistic, df, 1 - tail), _noncentrality(statistic, df, tail)


def _noncentrality(statistic: float, df: float, share: float) -> float:
    """Return the noncentrality at which the statistic has this share of the distribution below it."""
    from scipy import optimize, stats

    def excess(centre: float) -> float:
        return float(stats.nct.cdf(statistic, df, centre)) - share

    spread = float(np.sqrt(1 + statistic**2 / (2 * df)))
    low = high = statistic
    while excess(low) < 0:
        low -= spread
    while excess(high) > 0:
        high += spread
    return float(optimize.brentq(excess, low, high, xtol=1e-13, rtol=1e-14))


def _check(name: str, values: FloatArray) -> None:
    if values.ndim != 1 or values.size < _FEWEST or not np.isfinite(values).all():
        rule = f"has {values.size} values, of which {int(np.isfinite(values).sum())} are finite"
        raise refuse(name, rule, "give at least two finite numbers")
