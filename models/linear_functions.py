"""Inference about linear functions of least-squares coefficients: one with its t, several together with an F."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.student import no_variation, t_test

if TYPE_CHECKING:
    from neurotrial.models.least_squares import LeastSquares
    from neurotrial.models.student import FloatArray
    from neurotrial.models.tidy import Estimate

__all__ = ["FTest", "joint_f", "linear_function"]


@dataclass(frozen=True, slots=True)
class FTest:
    """A Wald test in its F form.

    Attributes
    ----------
    f, num_df, den_df, p_value : float
        NaN where there is a reason.
    reason : str
        Why it could not be computed; empty where it could.
    """

    f: float
    num_df: float
    den_df: float
    p_value: float
    reason: str = ""


def linear_function(
    template: Estimate, weights: FloatArray, fit: LeastSquares, kind: str, conf_level: float
) -> Estimate:
    """Estimate a linear function of the coefficients, with t on n - p degrees of freedom.

    Parameters
    ----------
    template : Estimate
        Labels of the row; without a standard error it comes back with status ``failed``.
    weights : array of float, shape (n_coefficients,)
        The function.
    fit : LeastSquares
        The model.
    kind : str
        Which of its covariances.
    conf_level : float
        In (0, 1).

    Returns
    -------
    Estimate
        With interval, statistic and p-value.
    """
    value = float(weights @ fit.coefficients)
    reason = _undefined(fit, kind)
    std_error = np.nan if reason else float(np.sqrt(weights @ fit.vcov[kind] @ weights))
    if not reason and no_variation(std_error, fit.scale):
        reason = f"the {kind} standard error is zero"
    if reason:
        return replace(template, estimate=value, status="failed", reason=reason)
    test = t_test(value, std_error, fit.df_resid, conf_level, 0.0)
    return replace(
        template,
        estimate=value,
        std_error=std_error,
        df=fit.df_resid,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level,
        interval_kind="t",
        p_value=test.p_value,
    )


def joint_f(weights: FloatArray, fit: LeastSquares, kind: str) -> FTest:
    """Test that several linear functions of the coefficients are all 0, by F on their number and n - p.

    Parameters
    ----------
    weights : array of float, shape (n_functions, n_coefficients)
        Linearly independent functions.
    fit : LeastSquares
        The model.
    kind : str
        Which of its covariances.
    """
    from scipy import stats

    number = float(len(weights))
    reason = _undefined(fit, kind)
    if reason:
        return FTest(np.nan, number, fit.df_resid, np.nan, reason)
    values, covariance = weights @ fit.coefficients, weights @ fit.vcov[kind] @ weights.T
    if np.linalg.matrix_rank(covariance, hermitian=True) < len(weights):
        return FTest(np.nan, number, fit.df_resid, np.nan, f"the {kind} covariance is singular")
    f = float(values @ np.linalg.solve(covariance, values)) / number
    return FTest(f, number, fit.df_resid, float(stats.f.sf(f, number, fit.df_resid)))


def _undefined(fit: LeastSquares, kind: str) -> str:
    if no_variation(fit.sigma, fit.scale):
        return "the outcome has no residual variation"
    if fit.full_leverage and kind in {"HC2", "HC3"}:
        return f"{kind} is undefined: a participant determines a coefficient alone"
    return ""
