"""The log likelihood of the beta-binomial with its gradient, compiled by numba.

Its gamma functions are written as products, so that it is exact down to no overdispersion at all, where it is the
binomial.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.compiled_functions import expit, jit

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["beta_binomial", "log_likelihoods", "norming", "value_and_gradient"]


@jit
def _rising(share: float, icc: float, count: int) -> tuple[float, float, float]:
    """Return the sum of log(share (1 - icc) + k icc) over k < count, and its derivatives by share and icc."""
    value, by_share, by_icc = 0.0, 0.0, 0.0
    for k in range(count):
        term = share * (1.0 - icc) + k * icc
        value += math.log(term)
        inverse = 1.0 / term
        by_share += inverse
        by_icc += (k - share) * inverse
    return value, (1.0 - icc) * by_share, by_icc


@jit
def norming(icc: float, size: float) -> tuple[float, float]:
    """Return what every participant's log probability has in common, and its derivative by icc."""
    value, _, by_icc = _rising(1.0, icc, int(size))
    return math.lgamma(size + 1.0) - value, -by_icc


@jit
def beta_binomial(
    mean: float, rest: float, icc: float, points: float, size: float
) -> tuple[float, float, float]:
    """Return the log probability of a number of points, and its derivatives by the logit of the mean and by icc.

    What `norming` gives has to be added; it depends on no participant.

    Parameters
    ----------
    mean, rest : float
        Expected share of the points, in (0, 1), and 1 less it.
    icc : float
        Correlation of two points of a participant, 1 / (1 + phi), in (0, 1).
    points, size : float
        Whole numbers, from 0 to `size`.
    """
    up, up_share, up_icc = _rising(mean, icc, int(points))
    down, down_share, down_icc = _rising(rest, icc, int(size - points))
    orders = math.lgamma(points + 1.0) + math.lgamma(size - points + 1.0)
    return up + down - orders, mean * rest * (up_share - down_share), up_icc + down_icc


@jit
def log_likelihoods(eta: FloatArray, shares: FloatArray, points: FloatArray, size: FloatArray) -> FloatArray:
    """Return the log likelihood of each participant in each draw.

    Parameters
    ----------
    eta : ndarray, shape (draws, n)
        Logit of the mean.
    shares : ndarray, shape (draws, 1)
        The correlation of two points.
    points : ndarray, shape (n,)
        Whole numbers.
    size : ndarray, shape (1,)
        The most points.

    Returns
    -------
    ndarray, shape (draws, n)
    """
    out = np.empty_like(eta)
    for d in range(len(eta)):
        common = norming(shares[d, 0], size[0])[0]
        for i in range(len(points)):
            mean, rest = expit(eta[d, i]), expit(-eta[d, i])
            out[d, i] = common + beta_binomial(mean, rest, shares[d, 0], points[i], size[0])[0]
    return out


@jit
def value_and_gradient(
    z: FloatArray,
    shares: FloatArray,
    offset: FloatArray,
    design: FloatArray,
    points: FloatArray,
    size: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the log likelihood of all participants and its derivatives by z and shares.

    Parameters
    ----------
    z : ndarray, shape (p,)
        The logit of the means is offset + design @ z.
    shares : ndarray, shape (1,)
        The correlation of two points, in (0, 1).
    offset : ndarray, shape (n,)
        As above.
    design : ndarray, shape (n, p)
        As above.
    points : ndarray, shape (n,)
        Whole numbers.
    size : ndarray, shape (1,)
        The most points.

    Returns
    -------
    tuple of ndarray
        A scalar, shape (p,) and shape (1,).
    """
    common, by_common = norming(shares[0], size[0])
    total, by_z, by_shares = len(points) * common, np.zeros_like(z), np.zeros_like(shares)
    by_shares[0] = len(points) * by_common
    for i in range(len(points)):
        eta = offset[i] + np.sum(design[i] * z)
        value, by_eta, by_icc = beta_binomial(expit(eta), expit(-eta), shares[0], points[i], size[0])
        total += value
        by_z += by_eta * design[i]
        by_shares[0] += by_icc
    return np.asarray(total), by_z, by_shares
