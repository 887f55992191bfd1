"""Batch effects of location and scale, shrunken towards what is common to all outcomes (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["BatchEffects", "shrunken_effects"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
_TOLERANCE, _MOST_ROUNDS = 1e-10, 1000
"""Relative change at which the rounds end; the reference implementation ends at 1e-4."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchEffects:
    """Effects of one batch on each outcome, in standard deviations.

    Attributes
    ----------
    location : ndarray, shape (outcomes,)
        Added to the standardised values.
    scale : ndarray, shape (outcomes,)
        Variance of the standardised values.
    """

    location: FloatArray
    scale: FloatArray


def shrunken_effects(values: FloatArray) -> BatchEffects:
    """Estimate the effects of a batch with parametric priors that its outcomes share.

    Parameters
    ----------
    values : ndarray, shape (scans, outcomes)
        Standardised values of the scans of one batch; three scans and two outcomes, or more.

    Returns
    -------
    BatchEffects
        Posterior modes under a normal prior of locations and an inverse gamma prior of scales, by the method of moments.

    References
    ----------
    Johnson WE, Li C, Rabinovic A. Biostatistics 2007;8:118-127. https://doi.org/10.1093/biostatistics/kxj037
    """
    n = len(values)
    mean, variance = values.mean(axis=0), values.var(axis=0, ddof=1)
    centre, between = mean.mean(), mean.var(ddof=1)
    level, spread = variance.mean(), variance.var(ddof=1)
    shape, rate = (2 * spread + level**2) / spread, (level * spread + level**3) / spread
    location, scale = mean, variance
    for _ in range(_MOST_ROUNDS):
        moved = (n * between * mean + scale * centre) / (n * between + scale)
        squares = ((values - moved) ** 2).sum(axis=0)
        stretched = (squares / 2 + rate) / (n / 2 + shape - 1)
        change = max(np.abs(moved / location - 1).max(), np.abs(stretched / scale - 1).max())
        location, scale = moved, stretched
        if change < _TOLERANCE:
            break
    return BatchEffects(location, scale)
