"""Inference in small samples: Kenward and Roger's covariance and degrees of freedom, Satterthwaite's, and F tests.

References
----------
Kenward MG, Roger JH. Biometrics 1997;53:983-997. https://doi.org/10.2307/2533558
Fai AH-T, Cornelius PL. J Stat Comput Simul 1996;54:363-378. https://doi.org/10.1080/00949659608811740
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.likelihood import Evaluation
    from neurotrial.models.repeated_measures.structures import Derivatives, Structure
    from neurotrial.models.repeated_measures.sums import Sums
    from neurotrial.models.student import FloatArray

__all__ = ["adjusted_vcov", "kenward_roger_f", "pooled_df", "satterthwaite_df", "satterthwaite_f_df"]

_SAME = 1e-8
_LEAST_DF = 2.0


def adjusted_vcov(
    sums: Sums,
    structure: Structure,
    found: Evaluation,
    theta_vcov: FloatArray,
    second: tuple[Derivatives, FloatArray] | None = None,
) -> FloatArray:
    """Return Kenward and Roger's covariance of the coefficients, shape (n_cells, p, p).

    Parameters
    ----------
    sums : Sums
        Sufficient statistics.
    structure : Structure
        Covariance structure.
    found : Evaluation
        The likelihood at its maximum.
    theta_vcov : array of float, shape (n_cells, K, K)
        Covariance of the covariance parameters.
    second : (Derivatives, array of float), optional
        Derivatives of the covariance in the parametrisation of the second-order term, and the covariance of these
        parameters. Without it that term is left out, which makes the result independent of the parametrisation.
    """
    vcov, slopes = found.point.vcov, found.precision_slopes
    cells, k, p = len(vcov), *slopes.shape[1:3]
    mixed = (theta_vcov @ slopes.reshape(cells, k, p * p)).reshape(cells, k, p, p)
    inner = -(mixed @ vcov[:, None] @ slopes).sum(axis=1)
    bent = None if second is None else _bent(*second)
    for pattern, inverse in zip(sums.patterns, found.point.inverses, strict=True):
        t, active = pattern.levels.size, structure.active(pattern.levels)
        at = (slice(None), slice(None), pattern.levels[:, None], pattern.levels)
        by_theta = found.covariance.first[:, active][at]
        size = by_theta.shape[1]
        weighted = theta_vcov[:, active, active] @ by_theta.reshape(len(by_theta), size, t * t)
        middle = (weighted.reshape(cells, size, t, t) @ inverse[:, None] @ by_theta).sum(axis=1)
        if bent is not None:
            middle = middle - 0.25 * bent[:, pattern.levels[:, None], pattern.levels]
        spread = (inverse @ middle @ inverse).reshape(cells, 1, t * t)
        inner = inner + (spread @ pattern.xx).reshape(cells, p, p)
    adjusted = vcov + 2 * vcov @ inner @ vcov
    return np.asarray(0.5 * (adjusted + np.swapaxes(adjusted, 1, 2)))


def _bent(derivatives: Derivatives, theta_vcov: FloatArray) -> FloatArray | None:
    """Return the sum of V_kl d2S/dk dl, shape (n_cells, n, n)."""
    if derivatives.second is None:
        return None
    return np.asarray(np.einsum("ckl,cklab->cab", theta_vcov, derivatives.second))


def satterthwaite_df(
    weights: FloatArray, vcov: FloatArray, slopes: FloatArray, theta_vcov: FloatArray
) -> FloatArray:
    """Return the degrees of freedom of linear functions of the coefficients.

    Parameters
    ----------
    weights : array of float, shape (m, p)
        Linear functions.
    vcov : array of float, shape (n_cells, p, p)
        Unadjusted covariance of the coefficients.
    slopes : array of float, shape (n_cells, K, p, p)
        Derivatives of its inverse by the covariance parameters.
    theta_vcov : array of float, shape (n_cells, K, K)
        Covariance of the covariance parameters.

    Returns
    -------
    array of float, shape (n_cells, m)
        2 (l'Phi l)^2 / (g'Vg), g the gradient of l'Phi l; Kenward and Roger's with one linear function is the same.
    """
    turned = weights @ vcov
    variance = (turned * weights).sum(axis=2)
    gradient = -((turned[:, None] @ slopes) * turned[:, None]).sum(axis=3)
    spread = np.einsum("ckm,ckl,clm->cm", gradient, theta_vcov, gradient, optimize=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * variance**2 / spread)


def satterthwaite_f_df(
    hypothesis: FloatArray, vcov: FloatArray, slopes: FloatArray, theta_vcov: FloatArray
) -> tuple[float, float]:
    """Return F and the denominator df of several linear functions after Fai and Cornelius.

    Parameters
    ----------
    hypothesis : array of float, shape (m, p + 1)
        Independent linear functions, and in the last column their estimates.
    vcov, slopes, theta_vcov : array of float
        Of one cell: shapes (p, p), (K, p, p), (K, K).
    """
    weights, estimate = hypothesis[:, :-1], hypothesis[:, -1]
    values, vectors = np.linalg.eigh(weights @ vcov @ weights.T)
    turned = vectors.T @ weights
    squares = (vectors.T @ estimate) ** 2 / values
    df = satterthwaite_df(turned, vcov[None], slopes[None], theta_vcov[None])[0]
    return float(squares.mean()), pooled_df(df)


def pooled_df(df: FloatArray) -> float:
    """Return the denominator df of an F statistic made of independent squared t statistics with these df."""
    m = df.size
    if np.ptp(df) < _SAME * df[0]:
        return float(df[0])
    if (df <= _LEAST_DF).any():
        return _LEAST_DF
    total = float((df / (df - 2)).sum())
    return 2 * total / (total - m)


def kenward_roger_f(
    hypothesis: FloatArray, vcov: FloatArray, adjusted: FloatArray, slopes: FloatArray, theta_vcov: FloatArray
) -> tuple[float, float, float]:
    """Return the scaled F, its denominator df and the scale, of several linear functions.

    Parameters
    ----------
    hypothesis : array of float, shape (m, p + 1)
        Independent linear functions, and in the last column their estimates.
    vcov, adjusted, slopes, theta_vcov : array of float
        Of one cell: shapes (p, p), (p, p), (K, p, p), (K, K).
    """
    weights, estimate = hypothesis[:, :-1], hypothesis[:, -1]
    m = len(weights)
    raw = float(estimate @ np.linalg.solve(weights @ adjusted @ weights.T, estimate)) / m
    projector = weights.T @ np.linalg.solve(weights @ vcov @ weights.T, weights)
    moved = projector @ vcov @ slopes @ vcov
    traces = np.trace(moved, axis1=1, axis2=2)
    a1 = float(traces @ theta_vcov @ traces)
    products = np.einsum("kab,lba->kl", moved, moved)
    a2 = float((theta_vcov * products).sum())
    df, scale = _kr_constants(m, a1, a2)
    return scale * raw, df, scale


def _kr_constants(m: int, a1: float, a2: float) -> tuple[float, float]:
    """Return Kenward and Roger's denominator df and scale."""
    b = (a1 + 6 * a2) / (2 * m)
    g = ((m + 1) * a1 - (m + 4) * a2) / ((m + 2) * a2)
    below = 3 * m + 2 * (1 - g)
    c1, c2, c3 = g / below, (m - g) / below, (m + 2 - g) / below
    mean = 1 / (1 - a2 / m)
    variance = (2 / m) * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * mean**2)
    df = 4 + (m + 2) / (m * rho - 1)
    return df, df / (mean * (df - 2))
