"""The likelihood of the cumulative logit model, for few categories or for every value of a score.

statsmodels' OrderedModel maximises with numerical second derivatives: with the fifty levels of a motor score it needs
seconds and its standard errors are right to six digits only; hence exact derivatives here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bounded_scores.maximum_likelihood import Likelihood, Maximum, maximise

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["CumulativeLogit", "cumulative_logit"]


@dataclass(frozen=True, slots=True)
class CumulativeLogit:
    """A fitted cumulative logit model, P(Y <= level j) = logistic(threshold j - x b).

    Attributes
    ----------
    maximum : Maximum
        Parameters: thresholds, then coefficients.
    levels : array of float, shape (K,)
        The values of the outcome in order.
    """

    maximum: Maximum
    levels: FloatArray

    @property
    def n_thresholds(self) -> int:
        """Levels less one."""
        return self.levels.size - 1

    def probabilities(self, x: FloatArray) -> FloatArray:
        """Return the probability of each level, shape (n, K), for rows of the model matrix."""
        below = _expit(self._distance(x))
        edges = np.column_stack([np.zeros(len(x)), below, np.ones(len(x))])
        return np.diff(edges, axis=1)

    def mean(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return the mean expected value over rows of the model matrix, and its gradient by the parameters."""
        steps = np.diff(self.levels)
        below = _expit(self._distance(x))
        density = below * (1 - below) * steps
        value = float((self.levels[-1] - below @ steps).mean())
        return value, np.concatenate([-density.mean(axis=0), (x * density.sum(axis=1)[:, None]).mean(axis=0)])

    def _distance(self, x: FloatArray) -> FloatArray:
        theta, k = self.maximum.theta, self.n_thresholds
        return np.asarray(theta[:k] - (x @ theta[k:])[:, None])


def cumulative_logit(y: FloatArray, x: FloatArray) -> CumulativeLogit:
    """Fit the model by maximum likelihood.

    Parameters
    ----------
    y : array of float, shape (n,)
        Outcome; its distinct values are the levels.
    x : array of float, shape (n, q)
        Model matrix without intercept.

    Raises
    ------
    InputError
        If the likelihood has no maximum.
    """
    levels, code = np.unique(y, return_inverse=True)
    share = np.cumsum(np.bincount(code))[:-1] / y.size
    start = np.concatenate([np.log(share / (1 - share)), np.zeros(x.shape[1])])
    found = maximise(lambda theta: _likelihood(theta, code, x, levels.size - 1), start, "proportional odds")
    return CumulativeLogit(found, levels)


def _likelihood(theta: FloatArray, code: np.ndarray, x: FloatArray, k: int) -> Likelihood:
    n, p = len(x), theta.size
    thresholds = theta[:k]
    if (np.diff(thresholds) <= 0).any():
        return Likelihood(-np.inf, np.zeros(p), np.zeros((p, p)))
    eta = x @ theta[k:]
    padded = np.concatenate([[-np.inf], thresholds, [np.inf]])
    upper, lower = _expit(padded[code + 1] - eta), _expit(padded[code] - eta)
    mass = upper - lower
    if not (mass > 0).all():
        return Likelihood(-np.inf, np.zeros(p), np.zeros((p, p)))
    rows = np.arange(n)
    design = np.zeros((2, n, p))
    for side, position in enumerate((code, code - 1)):
        inside = (position >= 0) & (position < k)
        design[side, rows[inside], position[inside]] = 1.0
        design[side, :, k:] = -x
    slopes = [edge * (1 - edge) / mass for edge in (upper, lower)]
    bends = [slope * (1 - 2 * edge) for slope, edge in zip(slopes, (upper, lower), strict=True)]
    score = slopes[0][:, None] * design[0] - slopes[1][:, None] * design[1]
    hessian = design[0].T @ (design[0] * bends[0][:, None]) - design[1].T @ (design[1] * bends[1][:, None])
    return Likelihood(float(np.log(mass).sum()), score.sum(axis=0), hessian - score.T @ score)


def _expit(value: FloatArray) -> FloatArray:
    from scipy.special import expit

    return np.asarray(expit(value))
