"""Stacked estimating equations: a logistic model of being observed, and least squares weighted by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["Weighted", "bootstrap_estimates", "weighted_fit"]

_ITERATIONS = 50
_TOLERANCE = 1e-10
_RIDGE = 1e-12
_SEPARATED = 15.0
"""Negative log odds of somebody who was not observed beyond which nobody like them can have been."""
_NULL = 1e-8
"""Eigenvalues of the information below this share of the largest belong to coefficients without bound."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted fit.

    Attributes
    ----------
    selection : array of float, shape (q,)
        Coefficients of the logistic model.
    selection_vcov : array of float, shape (q, q)
        Inverse information.
    weights : array of float, shape (n,)
        1 over the probability of being observed.
    seen : array of bool, shape (n,)
        Who was.
    coefficients : array of float, shape (p,)
        Weighted least squares.
    vcov : array of float, shape (p, p)
        Sandwich of the stacked equations, with the factor m / (m - p) for the m observed.
    converged : bool
        Whether every participant who was not observed has others who were to stand for them. Predictors that tell who was
        observed for certain (an arm that nobody left) are no hindrance: there the weight is 1.
    """

    selection: FloatArray
    selection_vcov: FloatArray
    weights: FloatArray
    seen: np.ndarray
    coefficients: FloatArray
    vcov: FloatArray
    converged: bool


def weighted_fit(z: FloatArray, x: FloatArray, y: FloatArray, seen: np.ndarray) -> Weighted:
    """Fit both models.

    Parameters
    ----------
    z : array of float, shape (n, q)
        Predictors of being observed.
    x : array of float, shape (n, p)
        Model matrix of the comparison.
    y : array of float, shape (n,)
        Outcome; any number where not observed.
    seen : array of bool, shape (n,)
        Who was observed.
    """
    gamma, converged = _logistic(z, seen.astype("float64"), np.ones((1, len(y))))
    probability = _expit(z @ gamma[0])
    weights = 1 / probability
    own = np.where(seen, weights, 0.0)
    bread = _inverse(x.T @ (x * own[:, None]))
    beta = bread @ (x.T @ (own * y))
    residual = y - x @ beta
    score = x * (own * residual)[:, None]
    information = z.T @ (z * (probability * (1 - probability))[:, None])
    settled = np.linalg.pinv(information, rcond=_NULL, hermitian=True)
    # the weight falls with the log odds: d(1/p) = -(1 - p)/p d(eta)
    slope = -x.T @ (z * (own * (1 - probability) * residual)[:, None])
    whole = score + (z * (seen - probability)[:, None]) @ settled @ slope.T
    m, p = int(seen.sum()), x.shape[1]
    vcov = np.asarray(bread @ (whole.T @ whole) @ bread * (m / (m - p)))
    return Weighted(
        gamma[0],
        _inverse(information + _RIDGE * np.eye(z.shape[1])),
        weights,
        seen,
        beta,
        vcov,
        bool(converged[0]),
    )


def bootstrap_estimates(
    z: FloatArray,
    x: FloatArray,
    y: FloatArray,
    seen: np.ndarray,
    strata: np.ndarray,
    n_resamples: int,
    seed: Seed,
) -> FloatArray:
    """Return the coefficients of bootstrap samples, stratified; NaN where a sample is separated.

    Parameters
    ----------
    z, x, y, seen
        As in `weighted_fit`.
    strata : array of int, shape (n,)
        The arms.
    n_resamples : int
        Samples.
    seed : int or SeedSequence
        Of the draws.

    Returns
    -------
    array of float, shape (n_resamples, p)
        One row for each sample.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_resamples, len(y)))
    for number in np.unique(strata):
        people = np.flatnonzero(strata == number)
        counts[:, people] = rng.multinomial(
            people.size, np.full(people.size, 1 / people.size), size=n_resamples
        )
    if not n_resamples:
        return np.empty((0, x.shape[1]))
    gamma, converged = _logistic(z, seen.astype("float64"), counts)
    own = counts * np.where(seen, 1 / _expit(gamma @ z.T), 0.0)
    squares = np.swapaxes(x[None] * own[..., None], 1, 2) @ x
    good = converged & (np.linalg.matrix_rank(squares) == x.shape[1])
    squares[~good] = np.eye(x.shape[1])
    found = np.linalg.solve(squares, ((own * y) @ x)[..., None])[..., 0]
    return np.where(good[:, None], found, np.nan)


def _inverse(matrix: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(matrix), dtype="float64")


def _expit(eta: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-eta)))


def _logistic(z: FloatArray, seen: FloatArray, counts: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """Fit a logistic model to many weightings by Newton's method, shape (n_cells, q), and say which have weights."""
    gamma = np.zeros((len(counts), z.shape[1]))
    fitted = np.full((len(counts), len(z)), 0.5)
    change = np.full(len(counts), np.inf)
    for _ in range(_ITERATIONS):
        weight = counts * fitted * (1 - fitted)
        information = np.swapaxes(z[None] * weight[..., None], 1, 2) @ z + _RIDGE * np.eye(z.shape[1])
        move = np.linalg.solve(information, ((counts * (seen - fitted)) @ z)[..., None])[..., 0]
        step = np.abs(move).max(axis=1)
        gamma = gamma + move * np.minimum(1.0, 5.0 / np.maximum(step, 1e-300))[:, None]
        before, fitted = fitted, _expit(np.clip(gamma @ z.T, -30, 30))
        change = np.where(counts > 0, np.abs(fitted - before), 0.0).max(axis=1)
        if (change < _TOLERANCE).all():
            break
    unseen = (counts > 0) & (seen == 0)
    lowest = np.where(unseen, gamma @ z.T, 0.0).min(axis=1)
    return gamma, (change < _TOLERANCE) & (lowest > -_SEPARATED)
