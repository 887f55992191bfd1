"""A rough guess of what the data say about the coefficients, for the axes on which a sampler meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["rough_information"]

_SHRINKAGE = 0.2
_LEAST = 1e-3


def rough_information(
    values: FloatArray, design: FloatArray, seen: np.ndarray[Any, np.dtype[np.bool_]], scale: FloatArray
) -> FloatArray:
    """Return the information about the coefficients of a multivariate linear model, from least squares.

    Parameters
    ----------
    values : ndarray, shape (n, T)
        Whatever stands where a value is missing.
    design : ndarray, shape (n, T, p)
        Likewise.
    seen : ndarray of bool, shape (n, T)
        Which values are there.
    scale : ndarray, shape (T,)
        Standard deviations that are taken where the data give none.

    Returns
    -------
    ndarray, shape (p, p)
        Symmetric; only its axes matter, so a guess does.
    """
    rows = design[seen]
    fit = np.linalg.lstsq(rows, values[seen], rcond=None)[0]
    residuals = np.where(seen, values - design @ fit, 0.0)
    weights = np.linalg.inv(_covariance(residuals, seen.astype("float64"), scale))
    shown = design * seen[:, :, None]
    return np.asarray(np.einsum("ntp,tu,nuq->pq", shown, weights, shown))


def _covariance(residuals: FloatArray, seen: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the covariance of pairs that are there, shrunk to its diagonal so that it has an inverse."""
    pairs = seen.T @ seen
    products = residuals.T @ residuals / np.maximum(pairs, 1.0)
    diagonal = np.maximum(np.diag(products), (_LEAST * scale) ** 2)
    roots = np.sqrt(np.outer(diagonal, diagonal))
    correlation = np.clip(products / roots, -1.0, 1.0) * (1 - _SHRINKAGE)
    np.fill_diagonal(correlation, 1.0)
    lowest = np.linalg.eigvalsh(correlation)[0]
    if lowest < _LEAST:
        correlation = (correlation + (_LEAST - lowest) * np.eye(len(scale))) / (1 + _LEAST - lowest)
    return np.asarray(correlation * roots)
