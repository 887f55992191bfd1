"""The likelihood of a Gaussian outcome that is censored at the floor and at the ceiling of its scale (Tobit)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bounded_scores.maximum_likelihood import Likelihood, Maximum, maximise, unbounded

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["censored_fit"]

_SMALLEST = 1e-6
"""Residual SD, as a share of the scale, below which the scores count as told exactly."""

_LOG_2_PI = float(np.log(2 * np.pi))


def censored_fit(y: FloatArray, x: FloatArray, low: float, high: float) -> Maximum:
    """Fit by maximum likelihood.

    Parameters
    ----------
    y : array of float, shape (n,)
        Outcome; values at `low` and `high` are censored.
    x : array of float, shape (n, q)
        Model matrix with intercept.
    low, high : float
        Floor and ceiling.

    Returns
    -------
    Maximum
        Parameters: coefficients, then log sigma.

    Raises
    ------
    InputError
        If the likelihood has no maximum.
    """
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    least = _SMALLEST * (high - low)
    spread = max(float(np.sqrt(np.mean((y - x @ coefficients) ** 2))), least)
    side = np.where(y >= high, 1, np.where(y <= low, -1, 0))
    start = np.append(coefficients, np.log(spread))
    found = maximise(lambda theta: _likelihood(theta, y, x, side), start, "censored Gaussian")
    if np.exp(found.theta[-1]) < least:
        raise unbounded("censored Gaussian")
    return found


def _likelihood(theta: FloatArray, y: FloatArray, x: FloatArray, side: np.ndarray) -> Likelihood:
    from scipy.special import log_ndtr

    sigma = float(np.exp(np.clip(theta[-1], -50, 50)))
    r = (y - x @ theta[:-1]) / sigma
    z = -side * r
    below = log_ndtr(z)
    ratio = np.exp(-0.5 * z**2 - 0.5 * _LOG_2_PI - below)
    seen = side == 0
    value = np.where(seen, -0.5 * _LOG_2_PI - theta[-1] - 0.5 * r**2, below)
    first = np.where(seen, r, side * ratio) / sigma
    by_scale = np.where(seen, r**2 - 1, -ratio * z)
    bend = ratio * (z + ratio)
    twice = np.where(seen, -1.0, -bend) / sigma**2
    cross = np.where(seen, -2 * r, side * (bend * z - ratio)) / sigma
    corner = np.where(seen, -2 * r**2, ratio * z - bend * z**2).sum()
    mixed = x.T @ cross
    hessian = np.block([[x.T @ (x * twice[:, None]), mixed[:, None]], [mixed[None], np.array([[corner]])]])
    return Likelihood(float(value.sum()), np.append(x.T @ first, by_scale.sum()), hessian)
