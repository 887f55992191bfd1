"""Standardised effects: a difference in units of a standard deviation that is named, with its interval.

References
----------
Hedges LV. J Educ Stat 1981;6:107-128. https://doi.org/10.3102/10769986006002107
Steiger JH. Psychol Methods 2004;9:164-182. https://doi.org/10.1037/1082-989X.9.2.164
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.checks import check_level
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.change import Comparison
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
        The standard deviation that is the unit, or the definition, in words.
    method : {"hedges_g", "hedges_gz", "d_ppc", "cliffs_delta"}
        Slug of the effect.
    interval_kind : {"noncentral_t", "normal", "none"}
        How the interval was made.
    """

    estimate: float
    uncorrected: float
    variance: float
    conf_low: float
    conf_high: float
    conf_level: float
    sd: str
    method: Literal["hedges_g", "hedges_gz", "d_ppc", "cliffs_delta"] = "hedges_g"
    interval_kind: Literal["noncentral_t", "normal", "none"] = "noncentral_t"

    def row(self, label: Estimate) -> Estimate:
        """Return the effect as an estimate with this label."""
        from dataclasses import replace

        return replace(
            label,
            method=self.method,
            estimate=self.estimate,
            std_error=float(np.sqrt(self.variance)),
            conf_low=self.conf_low,
            conf_high=self.conf_high,
            conf_level=self.conf_level,
            interval_kind=self.interval_kind,
            reason=self.sd,
        )

    def tidy(self) -> pd.DataFrame:
        """Return one row with the columns of `neurotrial.models.tidy`."""
        return tidy_frame([self.row(Estimate(self.method, "contrast", "treated - reference"))])


@overload
def hedges_g(treated: FloatArray, reference: FloatArray, conf_level: float = ...) -> StandardisedEffect: ...


@overload
def hedges_g(
    treated: pd.DataFrame,
    reference: str | None = ...,
    conf_level: float = ...,
    *,
    outcome: str,
    arm: str,
    baseline: str | None = ...,
    visit: str = ...,
) -> Comparison: ...


def hedges_g(
    treated: FloatArray | pd.DataFrame,
    reference: FloatArray | str | None = None,
    conf_level: float = 0.95,
    *,
    outcome: str = "",
    arm: str = "",
    baseline: str | None = None,
    visit: str = "",
) -> StandardisedEffect | Comparison:
    """Return the difference of two means over the standard deviation pooled over both groups.

    Parameters
    ----------
    treated, reference : array of float
        At least two finite values each. Or, as the first argument, a table of one row per participant; `reference` is
        then the arm that the others are compared with, the first by default.
    conf_level : float
        In (0, 1).
    outcome, arm : str
        Columns of the table.
    baseline : str, optional
        Column of the table with the baseline; the change is compared then, in standard deviations of the change.
    visit : str
        Name of the visit, for the table only.

    Returns
    -------
    StandardisedEffect or Comparison
        In pooled standard deviations; of a table, a row ``hedges_g`` for each arm against the reference.

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
    if isinstance(treated, pd.DataFrame):
        from neurotrial.models.unitless_effects import effects_of_table

        return effects_of_table(
            treated,
            ("hedges_g",),
            outcome=outcome,
            baseline=baseline,
            arm=arm,
            reference=None if reference is None else str(reference),
            conf_level=conf_level,
            visit=visit,
        )
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
        g, d, variance, j * low * scale, j * high * scale, conf_level, "in SDs pooled over the arms"
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
    return StandardisedEffect(
        j * d, d, np.nan, j * low / root, j * high / root, conf_level, "in SDs of the change", "hedges_gz"
    )


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
