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
    weights = np.linalg.inv(found.covariance)[:, model.group]
    turned = np.einsum("cnlk,nkp->cnlp", weights, model.x)
    precision = np.einsum("nlp,cnlq->cpq", model.x, turned)
    score = np.einsum("cnlp,cnl->cp", turned, y)
    vcov = np.linalg.inv(precision)
    root = np.linalg.cholesky(0.5 * (vcov + np.swapaxes(vcov, 1, 2)))
    noise = rng.standard_normal(score.shape)
    coefficients = np.einsum("cpq,cq->cp", vcov, score) + np.einsum("cpq,cq->cp", root, noise)
    residual = y - np.einsum("nlp,cp->cnl", model.x, coefficients)
    blocks = [_inverse_wishart(residual[:, model.group == number], rng) for number in range(model.n_groups)]
    return replace(found, coefficients=coefficients, covariance=np.stack(blocks, axis=1))


def _inverse_wishart(residual: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw covariances with the residuals' sums of squares as scale and their number as degrees of freedom.

    The Bartlett decomposition draws a Wishart of the inverse scale; its inverse is what is wanted.
    """
    cells, n, L = residual.shape
    squares = np.einsum("cnl,cnk->clk", residual, residual)
    root = np.linalg.cholesky(np.linalg.inv(squares))
    factor = np.tril(rng.standard_normal((cells, L, L)), -1)
    diagonal = np.arange(L)
    factor[:, diagonal, diagonal] = np.sqrt(rng.chisquare(n - diagonal, (cells, L)))
    half = np.linalg.inv(root @ factor)
    return np.asarray(np.swapaxes(half, 1, 2) @ half)
