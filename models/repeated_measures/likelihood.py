"""Restricted and full likelihood of the marginal Gaussian model, with gradient and information, cell by cell.

With W the inverse covariance of a pattern (zero at the levels it lacks), D_k the derivative of the covariance by
parameter k, and A = X'V^-1 X: -2 log restricted likelihood = sum n log|S| + log|A| + r'V^-1 r + (N - p) log 2 pi.
Everything is computed from the sums of `sums`, with a leading axis for the cells.

References
----------
Kenward MG, Roger JH. Biometrics 1997;53:983-997. https://doi.org/10.2307/2533558
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.structures import Derivatives, Structure
    from neurotrial.models.repeated_measures.sums import PatternSums, Sums
    from neurotrial.models.student import FloatArray

__all__ = ["Evaluation", "Point", "derivatives_at", "is_positive_definite", "point_at"]

_LOG_2_PI = float(np.log(2 * np.pi))
_ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at given parameters.

    Attributes
    ----------
    neg2_loglik : array of float, shape (n_cells,)
        -2 log (restricted) likelihood; infinite where the covariance is not positive definite.
    coefficients : array of float, shape (n_cells, p)
        Generalised least squares.
    vcov : array of float, shape (n_cells, p, p)
        (X'V^-1 X)^-1.
    inverses : tuple of array of float, shape (n_cells, t, t)
        Inverse covariance of each pattern.
    """

    neg2_loglik: FloatArray
    coefficients: FloatArray
    vcov: FloatArray
    inverses: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The likelihood with its derivatives by the covariance parameters.

    Attributes
    ----------
    point : Point
        The likelihood.
    covariance : Derivatives
        Of the covariance.
    gradient : array of float, shape (n_cells, K)
        Of minus the log likelihood.
    expected, observed : array of float, shape (n_cells, K, K)
        Expected information, and Hessian of minus the log likelihood.
    precision_slopes : array of float, shape (n_cells, K, p, p)
        Derivatives of X'V^-1 X, Kenward and Roger's P.
    """

    point: Point
    covariance: Derivatives
    gradient: FloatArray
    expected: FloatArray
    observed: FloatArray
    precision_slopes: FloatArray


def point_at(sums: Sums, matrix: FloatArray, *, reml: bool) -> Point:
    """Evaluate the likelihood.

    Parameters
    ----------
    sums : Sums
        Sufficient statistics.
    matrix : array of float, shape (n_cells, n_levels, n_levels)
        Covariance of the levels.
    reml : bool
        Restricted likelihood, else full.
    """
    p, cells = sums.n_coefficients, len(matrix)
    whole, score = np.zeros((cells, p * p)), np.zeros((cells, p))
    value = sums.n_observations * _LOG_2_PI
    bad = np.zeros(cells, dtype=bool)
    inverses = []
    for pattern in sums.patterns:
        inverse, log_det, singular = _inverted(matrix[:, pattern.levels[:, None], pattern.levels])
        bad |= singular
        flat = inverse.reshape(cells, 1, -1)
        whole += (flat @ pattern.xx)[:, 0]
        score += (flat @ pattern.xy)[:, 0]
        value = value + pattern.n * log_det + (inverse * pattern.yy).sum(axis=(1, 2))
        inverses.append(inverse)
    vcov, log_det, singular = _inverted(whole.reshape(cells, p, p))
    coefficients = (vcov @ score[:, :, None])[:, :, 0]
    value = value - (coefficients * score).sum(axis=1)
    if reml:
        value = value + log_det - p * _LOG_2_PI
    return Point(np.where(bad | singular, np.inf, value), coefficients, vcov, tuple(inverses))


def derivatives_at(sums: Sums, structure: Structure, theta: FloatArray, *, reml: bool) -> Evaluation:
    """Evaluate the likelihood with its first and second derivatives.

    Parameters
    ----------
    sums : Sums
        Sufficient statistics.
    structure : Structure
        Covariance structure.
    theta : array of float, shape (n_cells, K)
        Its parameters; the covariance must be positive definite in each cell.
    reml : bool
        Restricted likelihood, else full.
    """
    covariance = structure.derivatives(theta)
    point = point_at(sums, covariance.matrix, reml=reml)
    cells, k, p, n = len(theta), structure.n_parameters, sums.n_coefficients, structure.n_levels
    total = _Totals(
        slopes=np.zeros((cells, k, p * p)),
        scores=np.zeros((cells, k, p)),
        by_matrix=np.zeros((cells, n, n)),
        plain=np.zeros((cells, k, k)),
        fitted=np.zeros((cells, k, k)),
        residual=np.zeros((cells, k, k)),
    )
    for pattern, inverse in zip(sums.patterns, point.inverses, strict=True):
        _add(total, pattern, inverse, structure.active(pattern.levels), covariance, point, reml=reml)
    return _evaluation(total, covariance, point, reml=reml)


def is_positive_definite(matrices: FloatArray) -> np.ndarray:
    """Say which of the symmetric matrices, shape (n, k, k), are positive definite beyond rounding."""
    return _rooted(matrices)[2]


def _rooted(matrices: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Return the scales that give unit diagonals, Cholesky roots on that scale, and which matrices have one."""
    identity = np.eye(matrices.shape[1])
    variance = np.diagonal(matrices, axis1=1, axis2=2)
    good = np.asarray(np.isfinite(matrices).all(axis=(1, 2)) & (variance > 0).all(axis=1))
    scale = np.sqrt(np.where(good[:, None], variance, 1.0))
    unit = np.where(good[:, None, None], matrices / (scale[:, :, None] * scale[:, None, :]), identity)
    try:
        root = np.linalg.cholesky(unit)
    except np.linalg.LinAlgError:
        good &= np.linalg.eigvalsh(unit)[:, 0] > _ROUNDING
        root = np.linalg.cholesky(np.where(good[:, None, None], unit, identity))
    good &= np.diagonal(root, axis1=1, axis2=2).min(axis=1) ** 2 > _ROUNDING
    if not good.all():
        root = np.where(good[:, None, None], root, identity)
    return scale, root, good


@dataclass(frozen=True, slots=True)
class _Totals:
    """Sums over patterns; `by_matrix` is the derivative of -2 log likelihood by the covariance."""

    slopes: FloatArray
    scores: FloatArray
    by_matrix: FloatArray
    plain: FloatArray
    fitted: FloatArray
    residual: FloatArray


def _inverted(matrices: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Return inverses, log determinants, and which matrices are not positive definite (treated as identity)."""
    scale, root, good = _rooted(matrices)
    log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2) * scale).sum(axis=1)
    half = np.linalg.inv(root) / scale[:, None, :]
    return np.asarray(np.swapaxes(half, 1, 2) @ half, dtype=np.float64), log_det, ~good


def _add(
    total: _Totals,
    pattern: PatternSums,
    inverse: FloatArray,
    active: slice,
    covariance: Derivatives,
    point: Point,
    *,
    reml: bool,
) -> None:
    cells, t, p = len(inverse), pattern.levels.size, point.coefficients.shape[1]
    at = (slice(None), pattern.levels[:, None], pattern.levels)
    by_theta = covariance.first[:, active][:, :, pattern.levels[:, None], pattern.levels]
    k = by_theta.shape[1]
    flat_by_theta = by_theta.reshape(len(by_theta), k, t * t)
    half = inverse[:, None] @ by_theta
    both = (half @ inverse[:, None]).reshape(cells, k, t * t)
    x_residual, residual = _residual_products(pattern, point.coefficients)
    total.slopes[:, active] -= both @ pattern.xx
    total.scores[:, active] += both @ x_residual
    total.plain[:, active, active] += pattern.n[:, None, None] * (both @ np.swapaxes(flat_by_theta, 1, 2))
    spread = inverse @ residual @ inverse
    total.residual[:, active, active] += _sandwiched(flat_by_theta, half, spread)
    total.by_matrix[at] += pattern.n[:, None, None] * inverse - spread
    if reml:
        leverage = (pattern.xx @ point.vcov.reshape(cells, p * p, 1)).reshape(cells, t, t)
        spread = inverse @ leverage @ inverse
        total.fitted[:, active, active] += _sandwiched(flat_by_theta, half, spread)
        total.by_matrix[at] -= spread


def _residual_products(pattern: PatternSums, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums of x_a r_b, shape (n_cells, t * t, p), and of r_a r_b, shape (n_cells, t, t)."""
    cells, p = coefficients.shape
    t = pattern.levels.size
    squares = pattern.xx.reshape(len(pattern.xx), t * t * p, p)
    x_residual = pattern.xy - (squares @ coefficients[:, :, None]).reshape(cells, t * t, p)
    fitted_y = (pattern.xy @ coefficients[:, :, None]).reshape(cells, t, t)
    fitted_residual = (x_residual @ coefficients[:, :, None]).reshape(cells, t, t)
    return x_residual, pattern.yy - fitted_y - np.swapaxes(fitted_residual, 1, 2)


def _sandwiched(flat_by_theta: FloatArray, half: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the traces of D_k W D_l S for all k and l, shape (n_cells, K, K)."""
    cells, k = half.shape[:2]
    right = np.swapaxes(half @ spread[:, None], 2, 3).reshape(cells, k, -1)
    product = flat_by_theta @ np.swapaxes(right, 1, 2)
    return np.asarray(0.5 * (product + np.swapaxes(product, 1, 2)))


def _evaluation(total: _Totals, covariance: Derivatives, point: Point, *, reml: bool) -> Evaluation:
    cells, k = total.scores.shape[:2]
    p = point.coefficients.shape[1]
    first = covariance.first.reshape(len(covariance.first), k, -1)
    by_matrix = total.by_matrix.reshape(cells, -1, 1)
    gradient = 0.5 * (first @ by_matrix)[:, :, 0]
    slopes = total.slopes.reshape(cells, k, p, p)
    expected = 0.5 * total.plain
    observed = total.residual - total.scores @ point.vcov @ np.swapaxes(total.scores, 1, 2)
    if reml:
        turned = point.vcov[:, None] @ slopes
        traces = turned.reshape(cells, k, -1) @ np.swapaxes(
            np.swapaxes(turned, 2, 3).reshape(cells, k, -1), 1, 2
        )
        expected = expected - total.fitted + 0.5 * traces
    observed = observed - expected
    if covariance.second is not None:
        observed = observed + 0.5 * (covariance.second.reshape(cells, k * k, -1) @ by_matrix).reshape(
            cells, k, k
        )
    return Evaluation(point, covariance, gradient, expected, observed, slopes)
