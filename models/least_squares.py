"""Ordinary least squares with classical and heteroscedasticity-consistent covariances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.student import FloatArray

__all__ = ["CLASSICAL", "LeastSquares", "Robust", "least_squares"]

Robust = Literal["HC0", "HC1", "HC2", "HC3"]
CLASSICAL = "OLS"

_FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A fitted linear model.

    Attributes
    ----------
    coefficients : array of float, shape (n_coefficients,)
        Least-squares estimates.
    names : tuple of str
        Their names.
    vcov : mapping of str to array of float, shape (n_coefficients, n_coefficients)
        Covariance of the coefficients, under ``"OLS"`` and under the name of the consistent estimator.
    df_resid, sigma, r_squared : float
        Residual degrees of freedom and standard deviation; share of variance explained, NaN for a constant outcome.
    scale : float
        Largest absolute value of the outcome.
    full_leverage : bool
        Whether an observation determines a coefficient alone, which leaves HC2 and HC3 undefined.
    """

    coefficients: FloatArray
    names: tuple[str, ...]
    vcov: Mapping[str, FloatArray]
    df_resid: float
    sigma: float
    r_squared: float
    scale: float
    full_leverage: bool


def least_squares(values: FloatArray, matrix: pd.DataFrame, robust: Robust) -> LeastSquares:
    """Fit a linear model of full rank.

    Parameters
    ----------
    values : array of float, shape (n,)
        Outcome.
    matrix : DataFrame, shape (n, n_coefficients)
        Model matrix of full column rank, with fewer columns than rows.
    robust : {"HC0", "HC1", "HC2", "HC3"}
        Heteroscedasticity-consistent covariance to add.

    Returns
    -------
    LeastSquares
        By statsmodels.
    """
    import statsmodels.api as sm

    design = matrix.to_numpy(dtype="float64")
    fit = sm.OLS(values, design).fit()
    leverage = (np.linalg.qr(design)[0] ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        consistent = getattr(fit, f"cov_{robust}")
    return LeastSquares(
        coefficients=fit.params,
        names=tuple(str(name) for name in matrix),
        vcov={CLASSICAL: fit.cov_params(), robust: consistent},
        df_resid=float(fit.df_resid),
        sigma=float(np.sqrt(fit.scale)),
        r_squared=float(fit.rsquared) if np.ptp(values) > 0 else np.nan,
        scale=float(np.abs(values).max()),
        full_leverage=bool((leverage > _FULL_LEVERAGE).any()),
    )
