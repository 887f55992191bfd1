"""The log likelihood of the recovery mixture with its gradient, compiled by numba."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.compiled_functions import expit, jit, softplus
from neurotrial.models.bayes_scores.beta_binomial_likelihood import beta_binomial, norming

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["log_likelihoods", "value_and_gradient"]


@jit
def _class(
    recovery: float, icc: float, points: float, start: float, room: float, size: float
) -> tuple[float, float, float]:
    """Return the log probability of the points in one class, and its derivatives by recovery and icc.

    The mean is kept half a point away from the ends: who starts at the ceiling may still lose a point.
    """
    mean = (size * (start + recovery * room) + 0.5) / (size + 1.0)
    value, by_logit, by_icc = beta_binomial(mean, 1.0 - mean, icc, points, size)
    return value, by_logit / (mean * (1.0 - mean)) * size * room / (size + 1.0), by_icc


@jit
def _mixture(
    eta: float, shares: FloatArray, points: float, start: float, room: float, size: float
) -> tuple[float, float, float, float, float]:
    """Return the log likelihood of a participant less `norming`, and its derivatives by eta, icc and both recoveries."""
    few, few_recovery, few_icc = _class(shares[1] * shares[2], shares[0], points, start, room, size)
    many, many_recovery, many_icc = _class(shares[1], shares[0], points, start, room, size)
    member = expit(eta)
    # log odds of being a recoverer given the points; the sum over the classes follows without overflow
    odds = eta + many - few
    own = expit(odds)
    value = few - softplus(eta) + softplus(odds)
    by_icc = own * many_icc + (1.0 - own) * few_icc
    return value, own - member, by_icc, (1.0 - own) * few_recovery, own * many_recovery


@jit
def log_likelihoods(
    eta: FloatArray,
    shares: FloatArray,
    points: FloatArray,
    start: FloatArray,
    room: FloatArray,
    size: FloatArray,
) -> FloatArray:
    """Return the log likelihood of each participant in each draw, shape (draws, n).

    Parameters
    ----------
    eta : ndarray, shape (draws, n)
        Log odds of being a recoverer.
    shares : ndarray, shape (draws, 3)
        As in `value_and_gradient`, like the others.
    points, start, room : ndarray, shape (n,)
        As there.
    size : ndarray, shape (1,)
        As there.

    Returns
    -------
    ndarray, shape (draws, n)
    """
    out = np.empty_like(eta)
    for d in range(len(eta)):
        common = norming(shares[d, 0], size[0])[0]
        for i in range(len(points)):
            out[d, i] = common + _mixture(eta[d, i], shares[d], points[i], start[i], room[i], size[0])[0]
    return out


@jit
def value_and_gradient(
    z: FloatArray,
    shares: FloatArray,
    offset: FloatArray,
    design: FloatArray,
    points: FloatArray,
    start: FloatArray,
    room: FloatArray,
    size: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the log likelihood of all participants and its derivatives by z and shares.

    Parameters
    ----------
    z : ndarray, shape (p,)
        The log odds of being a recoverer are offset + design @ z.
    shares : ndarray, shape (3,)
        In (0, 1): the correlation of two points, the share of the room that recoverers regain, and what the others
        regain as a share of that.
    offset : ndarray, shape (n,)
        As above.
    design : ndarray, shape (n, p)
        As above.
    points : ndarray, shape (n,)
        Whole numbers.
    start : ndarray, shape (n,)
        Baseline as a share of the scale, in [0, 1].
    room : ndarray, shape (n,)
        The good end of the scale, as a share, less the start.
    size : ndarray, shape (1,)
        The most points.

    Returns
    -------
    tuple of ndarray
        A scalar, shape (p,) and shape (3,).
    """
    common, by_common = norming(shares[0], size[0])
    total, by_z, by_shares = len(points) * common, np.zeros_like(z), np.zeros_like(shares)
    by_shares[0] = len(points) * by_common
    for i in range(len(points)):
        eta = offset[i] + np.sum(design[i] * z)
        value, by_eta, by_icc, by_few, by_many = _mixture(eta, shares, points[i], start[i], room[i], size[0])
        total += value
        by_z += by_eta * design[i]
        by_shares[0] += by_icc
        by_shares[1] += by_many + by_few * shares[2]
        by_shares[2] += by_few * shares[1]
    return np.asarray(total), by_z, by_shares
