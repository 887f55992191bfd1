"""The log likelihood of a multivariate linear model with missing values, and its gradient, compiled by numba.

Every Gaussian model of this folder is of one kind: a participant has up to T values (visits, or outcomes), each with a
mean that is linear in the coefficients, and a covariance between them that is not restricted. PyTensor's graph of that
takes a minute to compile and is slow to run; this function takes seconds, once a machine, and serves every model.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.models.bayes.compiled_functions import digamma, jit

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["correlation_factors", "log_likelihood_draws", "value_and_gradient"]

_LOG_2PI = math.log(2 * math.pi)


@jit
def correlation_factor(partial: FloatArray, n_values: int) -> FloatArray:
    """Return the Cholesky factor of a correlation matrix from its canonical partial correlations.

    Parameters
    ----------
    partial : ndarray, shape (n_values * (n_values - 1) / 2,)
        In (-1, 1), by rows of the lower triangle.
    n_values : int
        Size of the matrix.

    Returns
    -------
    ndarray, shape (n_values, n_values)
        Lower triangular.

    References
    ----------
    Lewandowski D, Kurowicka D, Joe H. J Multivar Anal 2009;100:1989-2001. https://doi.org/10.1016/j.jmva.2009.04.008
    """
    factor = np.zeros((n_values, n_values))
    place = 0
    for i in range(n_values):
        rest = 1.0
        for j in range(i):
            factor[i, j] = partial[place] * math.sqrt(rest)
            rest *= 1.0 - partial[place] ** 2
            place += 1
        factor[i, i] = math.sqrt(rest)
    return factor


@jit
def _factor_gradient(partial: FloatArray, factor: FloatArray, of_factor: FloatArray) -> FloatArray:
    """Lead a gradient by the Cholesky factor back to the canonical partial correlations."""
    out = np.zeros_like(partial)
    n_values = len(factor)
    for i in range(1, n_values):
        start = i * (i - 1) // 2
        rests = np.ones(i + 1)
        for j in range(i):
            rests[j + 1] = rests[j] * (1.0 - partial[start + j] ** 2)
        of_rest = of_factor[i, i] * 0.5 / math.sqrt(rests[i])
        for j in range(i - 1, -1, -1):
            w, root = partial[start + j], math.sqrt(rests[j])
            out[start + j] = of_factor[i, j] * root - 2.0 * of_rest * rests[j] * w
            of_rest = of_rest * (1.0 - w * w) + of_factor[i, j] * 0.5 * w / root
    return out


@jit
def _observed(seen: FloatArray) -> Any:
    """Return the places of the values that a pattern has."""
    # loops in place of array expressions here and below: these take seconds to compile
    count = 0
    for value in seen:
        count += value != 0
    out = np.empty(count, dtype=np.int64)
    place = 0
    for k in range(len(seen)):
        if seen[k] != 0:
            out[place] = k
            place += 1
    return out


@jit
def _rows_of(pattern: Any, group: int) -> Any:
    """Return the participants that have a pattern."""
    count = 0
    for own in pattern:
        count += own == group
    out = np.empty(count, dtype=np.int64)
    place = 0
    for row in range(len(pattern)):
        if pattern[row] == group:
            out[place] = row
            place += 1
    return out


@jit
def _cholesky(covariance: FloatArray, places: Any) -> FloatArray:
    """Return the Cholesky factor of the part of a covariance that is observed; NaN where it is not positive."""
    n = len(places)
    out = np.zeros((n, n))
    for j in range(n):
        for i in range(j, n):
            total = covariance[places[i], places[j]]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            out[i, j] = math.sqrt(total) if i == j else total / out[j, j]
    return out


@jit
def _whitened(factor: FloatArray, residual: FloatArray) -> FloatArray:
    """Solve factor @ out = residual."""
    out = np.empty_like(residual)
    for i in range(len(out)):
        total = residual[i]
        for k in range(i):
            total -= factor[i, k] * out[k]
        out[i] = total / factor[i, i]
    return out


@jit
def _back_whitened(factor: FloatArray, values: FloatArray) -> FloatArray:
    """Solve factor.T @ out = values."""
    out = np.empty_like(values)
    for i in range(len(out) - 1, -1, -1):
        total = values[i]
        for k in range(i + 1, len(out)):
            total -= factor[k, i] * out[k]
        out[i] = total / factor[i, i]
    return out


@jit
def _constant(factor: FloatArray, dof: float) -> float:
    """Return what does not depend on the residuals of a participant."""
    n, total = len(factor), 0.0
    for i in range(n):
        total -= math.log(factor[i, i])
    if dof > 0:
        gammas = math.lgamma((dof + n) / 2) - math.lgamma(dof / 2)
        return total + gammas - 0.5 * n * (math.log(dof) + math.log(math.pi))
    return total - 0.5 * n * _LOG_2PI


@jit
def _density(constant: float, square: float, n: int, dof: float) -> float:
    if dof > 0:
        return constant - 0.5 * (dof + n) * math.log1p(square / dof)
    return constant - 0.5 * square


@jit
def _square(values: FloatArray) -> float:
    total = 0.0
    for value in values:
        total += value * value
    return total


@jit
def _residual(
    row: Any, places: Any, values: FloatArray, design: FloatArray, coefficients: FloatArray
) -> FloatArray:
    out = np.empty(len(places))
    for k in range(len(places)):
        total = values[row, places[k]]
        for c in range(len(coefficients)):
            total -= design[row, places[k], c] * coefficients[c]
        out[k] = total
    return out


@jit
def _covariance(sd: FloatArray, factor: FloatArray) -> FloatArray:
    n_values = len(sd)
    out = np.empty((n_values, n_values))
    for i in range(n_values):
        for j in range(i + 1):
            total = 0.0
            for k in range(j + 1):
                total += factor[i, k] * factor[j, k]
            out[i, j] = out[j, i] = sd[i] * sd[j] * total
    return out


@jit
def _root_gradient(
    sd: FloatArray, factor: FloatArray, by_covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lead a gradient by the covariance back to the standard deviations and the Cholesky factor of the correlation."""
    n_values = len(sd)
    by_sd, by_factor = np.zeros(n_values), np.zeros((n_values, n_values))
    for i in range(n_values):
        for j in range(i + 1):
            slope = 0.0
            for k in range(j, n_values):
                slope += 2.0 * by_covariance[i, k] * sd[k] * factor[k, j]
            by_sd[i] += slope * factor[i, j]
            by_factor[i, j] = slope * sd[i]
    return by_sd, by_factor


@jit
def _pattern_sums(
    own: FloatArray,
    rows: Any,
    places: Any,
    nu: float,
    values: FloatArray,
    design: FloatArray,
    coefficients: FloatArray,
    by_coefficients: FloatArray,
    outer: FloatArray,
) -> tuple[float, float]:
    """Return the log likelihood of the participants of a pattern and its slope by dof; add up the other slopes."""
    total, by_dof, n = 0.0, 0.0, len(places)
    constant = _constant(own, nu)
    for row in rows:
        white = _whitened(own, _residual(row, places, values, design, coefficients))
        square = _square(white)
        total += _density(constant, square, n, nu)
        weight = (nu + n) / (nu + square) if nu > 0 else 1.0
        back = _back_whitened(own, white)
        for i in range(n):
            for c in range(len(coefficients)):
                by_coefficients[c] += weight * back[i] * design[row, places[i], c]
            for j in range(n):
                outer[i, j] += weight * back[i] * back[j]
        if nu > 0:
            gammas = digamma((nu + n) / 2) - digamma(nu / 2)
            by_dof += 0.5 * (gammas - n / nu - math.log1p(square / nu) + weight * square / nu)
    return total, by_dof


@jit
def log_likelihoods(
    coefficients: FloatArray,
    sd: FloatArray,
    partial: FloatArray,
    dof: FloatArray,
    values: FloatArray,
    design: FloatArray,
    pattern: Any,
    patterns: FloatArray,
) -> FloatArray:
    """Return the log likelihood of each participant, shape (n,); arguments as in `value_and_gradient`."""
    factor = correlation_factor(partial, len(sd))
    covariance = _covariance(sd, factor)
    out = np.zeros(len(values))
    for group in range(len(patterns)):
        places = _observed(patterns[group])
        own = _cholesky(covariance, places)
        constant = _constant(own, dof[0])
        for row in _rows_of(pattern, group):
            white = _whitened(own, _residual(row, places, values, design, coefficients))
            out[row] = _density(constant, _square(white), len(places), dof[0])
    return out


@jit
def value_and_gradient(
    coefficients: FloatArray,
    sd: FloatArray,
    partial: FloatArray,
    dof: FloatArray,
    values: FloatArray,
    design: FloatArray,
    pattern: Any,
    patterns: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the log likelihood of all participants and its derivatives.

    Parameters
    ----------
    coefficients : ndarray, shape (p,)
        Of the means.
    sd : ndarray, shape (T,)
        Standard deviations, above 0; scales where tails are heavy.
    partial : ndarray, shape (T * (T - 1) / 2,)
        Canonical partial correlations, in (-1, 1).
    dof : ndarray, shape (1,)
        Degrees of freedom of a multivariate Student distribution; 0 for a normal one.
    values : ndarray, shape (n, T)
        What is missing is never read.
    design : ndarray, shape (n, T, p)
        Likewise.
    pattern : ndarray of int, shape (n,)
        Which of the patterns of missing values a participant has.
    patterns : ndarray, shape (patterns, T)
        1 where a value is there, 0 where it is missing.

    Returns
    -------
    tuple
        The log likelihood, and its derivatives by coefficients, sd, partial and dof.
    """
    n_values, nu = len(sd), dof[0]
    factor = correlation_factor(partial, n_values)
    covariance = _covariance(sd, factor)
    total, by_dof = 0.0, np.zeros(1)
    by_coefficients = np.zeros_like(coefficients)
    by_covariance = np.zeros((n_values, n_values))
    for group in range(len(patterns)):
        places = _observed(patterns[group])
        rows = _rows_of(pattern, group)
        own, n = _cholesky(covariance, places), len(places)
        outer = np.zeros((n, n))
        value, slope = _pattern_sums(
            own, rows, places, nu, values, design, coefficients, by_coefficients, outer
        )
        total += value
        by_dof[0] += slope
        for i in range(n):
            unit = np.zeros(n)
            unit[i] = 1.0
            inverse = _back_whitened(own, _whitened(own, unit))
            for j in range(n):
                by_covariance[places[i], places[j]] += 0.5 * (outer[i, j] - len(rows) * inverse[j])
    by_sd, by_factor = _root_gradient(sd, factor, by_covariance)
    by_partial = _factor_gradient(partial, factor, by_factor)
    return np.asarray(total), by_coefficients, by_sd, by_partial, by_dof


@jit
def log_likelihood_draws(
    coefficients: FloatArray,
    sd: FloatArray,
    partial: FloatArray,
    dof: FloatArray,
    values: FloatArray,
    design: FloatArray,
    pattern: Any,
    patterns: FloatArray,
) -> FloatArray:
    """Return the log likelihood of each participant for many draws of the parameters, shape (draws, n).

    Arguments as in `value_and_gradient`, the first four with one more dimension in front.
    """
    out = np.empty((len(coefficients), len(values)))
    for draw in range(len(coefficients)):
        own = log_likelihoods(
            coefficients[draw], sd[draw], partial[draw], dof[draw], values, design, pattern, patterns
        )
        for row in range(len(own)):
            out[draw, row] = own[row]
    return out


@jit
def correlation_factors(partial: FloatArray, n_values: int) -> FloatArray:
    """Return the Cholesky factors of correlation matrices, shape (draws, n_values, n_values)."""
    out = np.empty((len(partial), n_values, n_values))
    for draw in range(len(partial)):
        own = correlation_factor(partial[draw], n_values)
        for i in range(n_values):
            for j in range(n_values):
                out[draw, i, j] = own[i, j]
    return out
