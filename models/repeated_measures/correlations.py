"""Correlation patterns of repeated measures, with their first and second derivatives.

Every function takes parameters of shape (n_cells, n_parameters) and returns the matrix, its first and its second
derivatives, of shapes (n_cells, n, n), (n_cells, n_parameters, n, n) and (n_cells, n_parameters, n_parameters, n, n),
where n is the number of visits. What is in a row of parameters depends on the pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Correlation", "antedependent", "banded", "cholesky", "exchangeable", "power"]

Correlation = Callable[["FloatArray"], tuple["FloatArray", "FloatArray", "FloatArray"]]
"""From parameters to the matrix and its derivatives."""


def exchangeable(n: int) -> Correlation:
    """Return the pattern with one correlation for all pairs of visits."""
    return partial(_linear, np.array([1.0 - np.eye(n)]))


def banded(n: int) -> Correlation:
    """Return the pattern with one correlation for each distance in visits (Toeplitz)."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return partial(_linear, np.array([(lag == distance).astype("float64") for distance in range(1, n)]))


def power(distances: FloatArray) -> Correlation:
    """Return the pattern rho ** distance (autoregressive; exponential in time).

    Parameters
    ----------
    distances : array of float, shape (n, n)
        Distances between visits; whole numbers where rho may be negative.
    """
    return partial(_power, distances)


def antedependent(n: int) -> Correlation:
    """Return the pattern of products of the correlations of neighbouring visits (first-order ante-dependence)."""
    low = np.minimum.outer(np.arange(n), np.arange(n))
    high = np.maximum.outer(np.arange(n), np.arange(n))
    between = np.array([(low <= step) & (step < high) for step in range(n - 1)])
    return partial(_antedependent, between)


def cholesky(n: int) -> Correlation:
    """Return L L', L unit lower triangular with its free elements row by row: any shape, and no unit diagonal."""
    rows, columns = np.tril_indices(n, -1)
    units = np.zeros((rows.size, n, n))
    units[np.arange(rows.size), rows, columns] = 1.0
    return partial(_cholesky, units)


def _linear(basis: FloatArray, rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    cells, m, n = rho.shape[0], *basis.shape[:2]
    matrix = np.eye(n) + np.tensordot(rho, basis, 1)
    return matrix, np.broadcast_to(basis, (cells, m, n, n)), np.zeros((cells, m, m, n, n))


def _power(distances: FloatArray, rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    base = rho[:, :, None]

    def raised(subtracted: int, factor: FloatArray) -> FloatArray:
        exponent = np.where(factor == 0, 0.0, distances - subtracted)  # a zero factor never divides by rho
        return np.asarray(factor * np.power(base, exponent))

    first = raised(1, distances)[:, None]
    second = raised(2, distances * (distances - 1))[:, None, None]
    return raised(0, np.ones_like(distances)), first, second


def _antedependent(between: FloatArray, rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    m = len(between)
    factors = np.where(between, rho[:, :, None, None], 1.0)

    def product(without: set[int]) -> FloatArray:
        kept = [step for step in range(m) if step not in without]
        inside = np.logical_and.reduce([between[step] for step in without]) if without else True
        return np.asarray(np.prod(factors[:, kept], axis=1) * inside)

    first = np.stack([product({k}) for k in range(m)], axis=1)
    second = np.zeros((len(rho), m, m, *between.shape[1:]))
    for k in range(m):
        for j in range(k):
            second[:, k, j] = second[:, j, k] = product({j, k})
    return product(set()), first, second


def _cholesky(units: FloatArray, elements: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    lower = np.eye(units.shape[1]) + np.tensordot(elements, units, 1)
    half = units @ np.swapaxes(lower, 1, 2)[:, None]
    product = units[:, None] @ np.swapaxes(units, 1, 2)[None]
    second = product + np.swapaxes(product, 2, 3)
    shape = (len(elements), *second.shape)
    return lower @ np.swapaxes(lower, 1, 2), half + np.swapaxes(half, 2, 3), np.broadcast_to(second, shape)
