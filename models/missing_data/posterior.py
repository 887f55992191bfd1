"""Draws from the posterior of the imputation model, by data augmentation: many short chains side by side.

The prior is flat in the means and |Sigma|^-(L+1)/2 in the covariance. For one visit after baseline the draws have the
exact posterior of the regression, a scaled inverse chi-squared on n - p degrees of freedom.

References
----------
Schafer JL. Analysis of Incomplete Multivariate Data. Chapman & Hall 1997. https://doi.org/10.1201/9780367803025
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.missing_data.conditional import completed
from neurotrial.models.missing_data.gaussian import Parameters

if TYPE_CHECKING:
    from neurotrial.models.missing_data.gaussian import Gaussian
    from neurotrial.models.student import FloatArray

__all__ = ["posterior_draws"]

_STEPS = 100
"""Steps of each chain before its draw is taken; from the REML fit, with a fifth missing, far more than needed."""


def posterior_draws(model: Gaussian, start: Parameters, n_draws: int, rng: np.random.Generator) -> Parameters:
    """Draw parameters from their posterior, each by a chain of its own.

    Parameters
    ----------
    model : Gaussian
        The imputation model.
    start : Parameters
        Of one cell: the fitted ones, where every chain begins.
    n_draws : int
        Chains.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    Parameters :
        With `n_draws` cells.
    """
    seen = model.fitted.any(axis=1)
    part = replace(
        model,
        y=np.where(model.fitted, model.y, np.nan)[seen],
        fitted=model.fitted[seen],
        x=model.x[seen],
        x_reference=model.x_reference[seen],
        group=model.group[seen],
        affected=model.affected[seen],
    )
    found = Parameters(
        np.repeat(start.coefficients, n_draws, axis=0),
        np.repeat(start.covariance, n_draws, axis=0),
        ("",) * n_draws,
    )
    complete = bool(np.isfinite(part.y).all())
    for _ in range(_STEPS):
        noise = None if complete else rng.standard_normal((n_draws, *part.y.shape))
        found = _step(part, completed(part, found, "MAR", noise), found, rng)
    return found


def _step(model: Gaussian, y: FloatArray, found: Parameters, rng: np.random.Generator) -> Parameters:
    """Draw the coefficients given the covariance, then the covariance given the coefficients."""
    parts = [(model.group == number, model.x[model.group == number]) for number in range(model.n_groups)]
    weights = np.moveaxis(np.linalg.inv(found.covariance), 1, 0)
    precision = sum(
        np.einsum("clk,lpkq->cpq", weight, np.einsum("nlp,nkq->lpkq", x, x))
        for weight, (_, x) in zip(weights, parts, strict=True)
    )
    # products of matrices: several times quicker than sums over five indices
    score = sum(
        (y[:, own] @ weight).reshape(len(y), -1) @ x.reshape(-1, x.shape[2])
        for weight, (own, x) in zip(weights, parts, strict=True)
    )
    vcov = np.linalg.inv(precision)
    root = np.linalg.cholesky(0.5 * (vcov + np.swapaxes(vcov, 1, 2)))
    noise = rng.standard_normal(np.shape(score))
    coefficients = np.einsum("cpq,cq->cp", vcov, score) + np.einsum("cpq,cq->cp", root, noise)
    residual = y - (coefficients @ model.x.reshape(-1, model.x.shape[2]).T).reshape(y.shape)
    blocks = [_inverse_wishart(residual[:, own], rng) for own, _ in parts]
    return replace(found, coefficients=coefficients, covariance=np.stack(blocks, axis=1))


def _inverse_wishart(residual: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw covariances with the residuals' sums of squares as scale and their number as degrees of freedom.

    The Bartlett decomposition draws a Wishart of the inverse scale; its inverse is what is wanted.
    """
    cells, n, L = residual.shape
    squares = np.swapaxes(residual, 1, 2) @ residual
    root = np.linalg.cholesky(np.linalg.inv(squares))
    factor = np.tril(rng.standard_normal((cells, L, L)), -1)
    diagonal = np.arange(L)
    factor[:, diagonal, diagonal] = np.sqrt(rng.chisquare(n - diagonal, (cells, L)))
    half = np.linalg.inv(root @ factor)
    return np.asarray(np.swapaxes(half, 1, 2) @ half)
