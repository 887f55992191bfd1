"""Rubin's rules: estimates of imputed data sets put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import check_level
from neurotrial.models.student import t_test
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["Pooled", "Rules", "pool", "rubin"]

_FEWEST = 2
_LEAST_SHARE = 1e-4
"""Share of the variance between imputations below which mice and this package take it as that."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Rubin's quantities, for any number of estimates.

    Attributes
    ----------
    estimate, within, between, total, df : array of float
        Mean; variance within and between imputations and their sum; degrees of freedom after Barnard and Rubin.
    """

    estimate: FloatArray
    within: FloatArray
    between: FloatArray
    total: FloatArray
    df: FloatArray


@dataclass(frozen=True, slots=True)
class Pooled:
    """An estimate pooled over imputations.

    Attributes
    ----------
    estimate, std_error, df : float
        Mean over the imputations; root of the total variance; degrees of freedom after Barnard and Rubin.
    statistic, p_value, conf_low, conf_high, conf_level : float
        From the t distribution.
    within, between, total : float
        Mean variance within imputations, variance between them, their sum with the factor 1 + 1/m.
    relative_increase, fraction_missing : float
        Relative increase in variance due to missing values; fraction of missing information.
    mc_error : float
        Monte Carlo standard error of `estimate`: root of between / m.
    mc_error_p : float
        Monte Carlo standard error of the p-value, by the jackknife over imputations; NaN for fewer than three.
    n_imputations : int
        Imputations, m.
    """

    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    conf_level: float
    within: float
    between: float
    total: float
    relative_increase: float
    fraction_missing: float
    mc_error: float
    mc_error_p: float
    n_imputations: int

    def tidy(self) -> pd.DataFrame:
        """Return one row with the columns of `neurotrial.models.tidy`."""
        said = (
            f"Rubin's rules over {self.n_imputations} imputations, Barnard-Rubin df; fraction of missing information "
            f"{self.fraction_missing:.2f}; Monte Carlo error of the estimate {self.mc_error:.2g}"
        )
        return tidy_frame([
            Estimate(
                "pooled",
                "contrast",
                "pooled",
                estimate=self.estimate,
                std_error=self.std_error,
                df=self.df,
                statistic=self.statistic,
                conf_low=self.conf_low,
                conf_high=self.conf_high,
                conf_level=self.conf_level,
                interval_kind="t",
                p_value=self.p_value,
                reason=said,
            )
        ])  # fmt: skip


def pool(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    df_complete: float = np.inf,
    conf_level: float = 0.95,
) -> Pooled:
    """Pool the estimates of imputed data sets by Rubin's rules.

    Parameters
    ----------
    estimates, std_errors : array_like, shape (n_imputations,)
        From the same analysis of each imputed data set; two or more.
    df_complete : float
        Degrees of freedom that the analysis would have with complete data; above 0, infinite for a normal test.
    conf_level : float
        In (0, 1).

    Returns
    -------
    Pooled
        With degrees of freedom after Barnard and Rubin [2]_.

    Raises
    ------
    InputError
        If there are fewer than two imputations, the two differ in length, or a number is not finite or negative.

    References
    ----------
    .. [1] Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley 1987. https://doi.org/10.1002/9780470316696
    .. [2] Barnard J, Rubin DB. Biometrika 1999;86:948-955. https://doi.org/10.1093/biomet/86.4.948

    Examples
    --------
    >>> pooled = pool([2.1, 2.6, 2.3], [1.0, 1.1, 0.9], df_complete=41)
    >>> round(pooled.estimate, 2), round(pooled.std_error, 2), round(pooled.df, 1)
    (2.33, 1.04, 32.6)
    """
    check_level(conf_level)
    values, errors = (np.asarray(given, dtype="float64") for given in (estimates, std_errors))
    _check(values, errors, df_complete)
    found = rubin(values, errors**2, df_complete)
    m = len(values)
    test = t_test(float(found.estimate), float(np.sqrt(found.total)), float(found.df), conf_level, 0.0)
    increase = float((1 + 1 / m) * found.between / found.within)
    return Pooled(
        estimate=float(found.estimate),
        std_error=float(np.sqrt(found.total)),
        df=float(found.df),
        statistic=test.statistic,
        p_value=test.p_value,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level,
        within=float(found.within),
        between=float(found.between),
        total=float(found.total),
        relative_increase=increase,
        fraction_missing=(increase + 2 / (float(found.df) + 3)) / (increase + 1),
        mc_error=float(np.sqrt(found.between / m)),
        mc_error_p=_error_of_p(values, errors**2, df_complete),
        n_imputations=m,
    )


def rubin(estimates: FloatArray, variances: FloatArray, df_complete: float) -> Rules:
    """Apply Rubin's rules along the first axis.

    Parameters
    ----------
    estimates, variances : array of float, shape (n_imputations, ...)
        Of each imputed data set.
    df_complete : float
        Degrees of freedom with complete data.
    """
    m = len(estimates)
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    extra = (1 + 1 / m) * between
    total = within + extra
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.maximum(extra / total, _LEAST_SHARE)
    old = (m - 1) / share**2
    if np.isinf(df_complete):
        return Rules(estimates.mean(axis=0), within, between, total, old)
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    return Rules(estimates.mean(axis=0), within, between, total, old * observed / (old + observed))


def _error_of_p(estimates: FloatArray, variances: FloatArray, df_complete: float) -> float:
    from scipy import stats

    m = len(estimates)
    if m <= _FEWEST:
        return float("nan")
    kept = np.array([np.delete(np.arange(m), k) for k in range(m)]).T
    found = rubin(estimates[kept], variances[kept], df_complete)
    p = 2 * stats.t.sf(np.abs(found.estimate) / np.sqrt(found.total), found.df)
    return float(np.sqrt((m - 1) * p.var()))


def _check(values: FloatArray, errors: FloatArray, df_complete: float) -> None:
    problems = []
    if values.ndim != 1 or values.shape != errors.shape or values.size < _FEWEST:
        rule = f"have shapes {values.shape} and {errors.shape}"
        remedy = "give one estimate and one standard error for each of two or more imputations"
        problems.append(Problem("estimates, std_errors", rule, remedy))
    elif not (np.isfinite(values).all() and np.isfinite(errors).all() and (errors > 0).all()):
        rows = tuple(
            f"imputation {k + 1}: {v:g}, {e:g}"
            for k, (v, e) in enumerate(zip(values, errors, strict=True))
            if not (np.isfinite(v) and np.isfinite(e) and e > 0)
        )
        remedy = "an imputation without an estimate cannot be pooled: find out why the analysis failed"
        problems.append(Problem("estimates, std_errors", "must be finite, errors above 0", remedy, rows))
    if not df_complete > 0:
        problems.append(
            Problem("df_complete", f"{df_complete:g} is not above 0", "give n - p of the analysis")
        )
    if problems:
        raise InputError(problems)
