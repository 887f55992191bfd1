"""Adjusted comparisons of many outcomes without each participant in turn, as one batch of least-squares fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Errors", "without_each"]

Errors = Literal["OLS", "HC3"]


def without_each(
    x: FloatArray, y: FloatArray, weights: FloatArray, errors: Errors
) -> tuple[FloatArray, FloatArray]:
    """Return an estimate and its standard error without each participant.

    Parameters
    ----------
    x : array of float, shape (n, p)
        Model matrix.
    y : array of float, shape (n,)
        Outcome.
    weights : array of float, shape (p,)
        The linear function of the coefficients.
    errors : {"OLS", "HC3"}
        Standard error.

    Returns
    -------
    estimate, std_error : array of float, shape (n,)
        NaN where the others do not determine the function.
    """
    n, p = x.shape
    kept = 1.0 - np.eye(n)
    squares = np.einsum("kn,nq,nr->kqr", kept, x, x)
    usable = np.linalg.matrix_rank(squares) == p
    squares[~usable] = np.eye(p)
    inverse = np.linalg.inv(squares)
    coefficients = np.einsum("kqr,kr->kq", inverse, kept @ (x * y[:, None]))
    residual = (y - coefficients @ x.T) * kept
    direction = np.einsum("q,kqr,nr->kn", weights, inverse, x)
    if errors == "OLS":
        variance = (
            (residual**2).sum(axis=1) / (n - 1 - p) * np.einsum("q,kqr,r->k", weights, inverse, weights)
        )
    else:
        leverage = np.einsum("nq,kqr,nr->kn", x, inverse, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(kept > 0, residual / np.where(kept > 0, 1 - leverage, 1.0), 0.0)
        variance = ((scaled * direction) ** 2).sum(axis=1)
    blank = np.where(usable, 1.0, np.nan)
    return coefficients @ weights * blank, np.sqrt(variance) * blank
