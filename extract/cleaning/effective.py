"""Effective degrees of freedom of correlations between cleaned series."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["effective_df"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_LOG_T, _STEP = np.linspace(-25.0, 60.0, 341, retstep=True)
"""Grid of the integral: the trapezoidal rule is right to 1e-10 on it, from one degree of freedom to thousands."""
_NOTHING = 1e-12
"""Share of the variance that is rounding."""


def effective_df(matrix: FloatArray) -> float:
    """Return the effective degrees of freedom of a correlation between two series that passed a linear operator.

    Parameters
    ----------
    matrix : ndarray, shape (n_retained, n)
        The operator, applied to series that are white noise before.

    Returns
    -------
    float
        Number of independent volumes whose correlations scatter as much: Fisher's z of two unrelated series has the standard
        deviation ``1 / sqrt(effective_df - 3)``, up to terms of higher order. Without filter it is the number of retained
        volumes less that of the regressors; 1 for an operator that leaves nothing.

    Notes
    -----
    Let M be the covariance between retained volumes that the operator gives to white noise, centred as a correlation centres its
    series, and l its eigenvalues. In their basis r is ``sum(l x y) / sqrt(sum(l x^2) sum(l y^2))`` with independent standard normal
    x and y. Its mean is 0, and since only squares survive the signs of x and y, its variance is exactly ``sum(p^2)`` with
    ``p_i = E[l_i x_i^2 / sum(l x^2)]``, one integral [1]_: ``int l_i / (1 + 2 t l_i) prod_j (1 + 2 t l_j)^(-1/2) dt`` over t > 0. As n independent volumes give
    the variance 1 / (n - 1), effective_df is ``1 / sum(p^2) + 1``. With p_i taken as ``l_i / sum(l)`` it would be
    ``tr(M)^2 / tr(M^2) + 1`` [2]_, which is too small by a tenth in short scans, where the filter blows up the ends.

    Series that are not white but redder within the band have fewer.

    References
    ----------
    .. [1] Magnus JR. Ann Econ Stat 1986;4:95-109. https://doi.org/10.2307/20075629
    .. [2] Worsley KJ, Friston KJ. NeuroImage 1995;2:173-181. https://doi.org/10.1006/nimg.1995.1023

    Examples
    --------
    >>> import numpy as np
    >>> round(effective_df(np.eye(50)), 6)
    50.0
    """
    from scipy.linalg import eigvalsh

    centred = matrix - matrix.mean(axis=0)
    share = np.maximum(eigvalsh(centred @ centred.T), 0.0)
    if share.sum() <= _NOTHING:
        return 1.0
    share = share[share > _NOTHING * share.sum()] / share.sum()
    t = np.exp(_LOG_T)
    spread = 1 + 2 * np.outer(t, share)
    density = t * np.exp(-np.log(spread).sum(axis=1) / 2)
    p = share * (density @ (1 / spread)) * _STEP
    return float(1 / (p**2).sum() + 1)
