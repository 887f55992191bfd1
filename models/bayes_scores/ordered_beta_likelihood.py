"""The log likelihood of the ordered beta distribution with its gradient, compiled by numba."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.compiled_functions import digamma, expit, jit, softplus

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["log_likelihoods", "ordered_beta", "value_and_gradient"]


@jit
def _beta(eta: float, icc: float, share: float) -> tuple[float, float, float]:
    """Return the log density of a share, logit of its mean eta, and its derivatives by eta and icc."""
    phi, mean, rest = (1.0 - icc) / icc, expit(eta), expit(-eta)
    up, down = math.log(share), math.log1p(-share)
    a, b = mean * phi, rest * phi
    value = math.lgamma(phi) - math.lgamma(a) - math.lgamma(b) + (a - 1.0) * up + (b - 1.0) * down
    by_a, by_b = up - digamma(a), down - digamma(b)
    by_phi = digamma(phi) + mean * by_a + rest * by_b
    return value, a * rest * (by_a - by_b), -by_phi / icc**2


@jit
def ordered_beta(
    eta: float, low: float, high: float, icc: float, share: float
) -> tuple[float, float, float, float, float]:
    """Return the log density of a share, and its derivatives by eta, the cutpoints and icc.

    Parameters
    ----------
    eta : float
        The logit of the mean of what lies between the ends.
    low, high : float
        Cutpoints, low below high: a share is 0 with the probability expit(low - eta), 1 with expit(eta - high).
    icc : float
        1 / (1 + phi), in (0, 1), phi the precision of the beta distribution between the ends.
    share : float
        In [0, 1]; the density is with respect to length between the ends and to counting at them.

    References
    ----------
    Kubinec R. Polit Anal 2023;31:519-536. https://doi.org/10.1017/pan.2022.20
    """
    if share <= 0.0:
        at_floor = expit(eta - low)
        return -softplus(eta - low), -at_floor, at_floor, 0.0, 0.0
    if share >= 1.0:
        at_ceiling = expit(high - eta)
        return -softplus(high - eta), at_ceiling, 0.0, -at_ceiling, 0.0
    value, by_eta, by_icc = _beta(eta, icc, share)
    floor, ceiling = expit(low - eta), expit(eta - high)
    # log(expit(eta - low) - expit(eta - high)) without cancellation
    value += math.log(-math.expm1(low - high)) - softplus(low - eta) - softplus(eta - high)
    apart = 1.0 / math.expm1(high - low)
    return value, by_eta + floor - ceiling, -floor - apart, ceiling + apart, by_icc


@jit
def _cutpoints(floor: float, ceiling: float) -> tuple[float, float]:
    """Return the cutpoints under which eta = 0 has `floor` at 0, and `ceiling` of the rest at 1."""
    top = (1.0 - floor) * ceiling
    return math.log(floor) - math.log1p(-floor), math.log1p(-top) - math.log(top)


@jit
def log_likelihoods(eta: FloatArray, shares: FloatArray, values: FloatArray, width: FloatArray) -> FloatArray:
    """Return the log likelihood of each participant in each draw, in the unit of the score.

    Parameters
    ----------
    eta : ndarray, shape (draws, n)
        Logit of the mean between the ends.
    shares : ndarray, shape (draws, 3)
        As in `value_and_gradient`.
    values : ndarray, shape (n,)
        In [0, 1].
    width : ndarray, shape (1,)
        Of the scale, in points.

    Returns
    -------
    ndarray, shape (draws, n)
    """
    out = np.empty_like(eta)
    for d in range(len(eta)):
        low, high = _cutpoints(shares[d, 1], shares[d, 2])
        for i in range(len(values)):
            out[d, i] = ordered_beta(eta[d, i], low, high, shares[d, 0], values[i])[0]
            if 0.0 < values[i] < 1.0:
                out[d, i] -= math.log(width[0])
    return out


@jit
def value_and_gradient(
    z: FloatArray,
    shares: FloatArray,
    offset: FloatArray,
    design: FloatArray,
    values: FloatArray,
    width: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the log likelihood of all participants and its derivatives by z and shares.

    Parameters
    ----------
    z : ndarray, shape (p,)
        The logit of the means between the ends is offset + design @ z.
    shares : ndarray, shape (3,)
        In (0, 1): 1 / (1 + phi), and at a logit of 0 the probability of the floor, and that of the ceiling for who is
        not at the floor. Cutpoints made of them are in order.
    offset : ndarray, shape (n,)
        As above.
    design : ndarray, shape (n, p)
        As above.
    values : ndarray, shape (n,)
        In [0, 1].
    width : ndarray, shape (1,)
        Of the scale, in points.

    Returns
    -------
    tuple of ndarray
        A scalar, shape (p,) and shape (3,).
    """
    total, by_z, by_shares = 0.0, np.zeros_like(z), np.zeros_like(shares)
    floor, ceiling = shares[1], shares[2]
    low, high = _cutpoints(floor, ceiling)
    by_lows, by_highs = 0.0, 0.0
    for i in range(len(values)):
        eta = offset[i] + np.sum(design[i] * z)
        value, by_eta, by_low, by_high, by_icc = ordered_beta(eta, low, high, shares[0], values[i])
        total += value
        if 0.0 < values[i] < 1.0:
            total -= math.log(width[0])
        by_z += by_eta * design[i]
        by_shares[0] += by_icc
        by_lows += by_low
        by_highs += by_high
    top = (1.0 - floor) * ceiling
    by_top = -by_highs / (top * (1.0 - top))
    by_shares[1] = by_lows / (floor * (1.0 - floor)) - by_top * ceiling
    by_shares[2] = by_top * (1.0 - floor)
    return np.asarray(total), by_z, by_shares
