"""Posteriors of comparable specifications, put together by stacking of their leave-one-out predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurotrial.models.student import FloatArray

__all__ = ["LinearPosterior", "loo_densities", "mixture_quantiles", "stacking_weights"]

_ITERATIONS = 10_000
_SMALL = 1e-12
_FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class LinearPosterior:
    """The posterior of an effect under a flat prior: Student's t.

    Attributes
    ----------
    location, scale, df : float
        In the unit of the outcome.
    """

    location: float
    scale: float
    df: float


def loo_densities(response: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return the log predictive density of each participant given the others, shape (n,).

    Parameters
    ----------
    response : array of float, shape (n,)
        Outcome.
    matrix : array of float, shape (n, p)
        Model matrix of full rank, n > p + 1.

    Returns
    -------
    array of float
        Student's t on n - 1 - p degrees of freedom: exact under the prior p(beta, sigma) proportional to 1 / sigma.
        -inf where a participant determines a coefficient alone.
    """
    n, p = matrix.shape
    basis = np.linalg.qr(matrix)[0]
    leverage = np.minimum((basis**2).sum(axis=1), 1.0)
    residual = response - basis @ (basis.T @ response)
    free = np.where(leverage < _FULL_LEVERAGE, 1 - leverage, np.nan)
    df = n - 1 - p
    variance = (residual @ residual - residual**2 / free) / df
    # error of the prediction without the participant, and its variance: e / (1 - h) and s^2 / (1 - h)
    found = stats.t.logpdf(residual / free, df, scale=np.sqrt(variance / free))
    return np.asarray(np.where(np.isfinite(found), found, -np.inf))


def stacking_weights(densities: FloatArray) -> FloatArray:
    """Return the weights that maximise the mean log score of the mixture, shape (k,).

    Parameters
    ----------
    densities : array of float, shape (n, k)
        Log predictive densities of n participants under k models.

    References
    ----------
    Yao Y, Vehtari A, Simpson D, Gelman A. Bayesian Anal 2018;13:917-1007. https://doi.org/10.1214/17-BA1091
    """
    n, k = densities.shape
    relative = np.exp(densities - densities.max(axis=1, keepdims=True))
    weights = np.full(k, 1 / k)
    for _ in range(_ITERATIONS):
        share = relative * weights
        after = (share / share.sum(axis=1, keepdims=True)).sum(axis=0) / n
        if np.abs(after - weights).max() < _SMALL:
            return np.asarray(after)
        weights = after
    return weights


def mixture_quantiles(
    posteriors: Sequence[LinearPosterior], weights: FloatArray, probabilities: Sequence[float]
) -> FloatArray:
    """Return quantiles of a mixture of posteriors, shape (m,)."""
    from scipy import optimize

    location, scale, df = (
        np.array([getattr(one, name) for one in posteriors]) for name in ("location", "scale", "df")
    )

    def below(value: float) -> float:
        return float(weights @ special.stdtr(df, (value - location) / scale))

    found = []
    for wanted in probabilities:
        ends = location + scale * special.stdtrit(df, wanted)
        low, high = float(ends.min()), float(ends.max())
        if high - low < _SMALL * max(1.0, abs(low)):
            found.append(low)
        else:
            found.append(float(optimize.brentq(lambda value, p=wanted: below(value) - p, low, high)))
    return np.array(found)
