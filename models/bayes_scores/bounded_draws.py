"""Draws of beta and beta-binomial values by mean and precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["drawn_points", "drawn_shares"]

_TINY = np.finfo(np.float64).tiny
"""Parameters of a beta distribution that round to 0 are kept above it: all is then at one end."""


def drawn_shares(mean: FloatArray, phi: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw from beta distributions.

    Parameters
    ----------
    mean : ndarray, shape (draws, n)
        In [0, 1].
    phi : ndarray, shape (draws,)
        Precisions, above 0.
    rng : Generator
        The random stream.

    Returns
    -------
    ndarray, shape (draws, n)
        In [0, 1]: the ends where a draw rounds to them.
    """
    each = phi[:, None]
    return np.asarray(rng.beta(np.maximum(mean * each, _TINY), np.maximum((1 - mean) * each, _TINY)))


def drawn_points(mean: FloatArray, phi: FloatArray, size: float, rng: np.random.Generator) -> FloatArray:
    """Draw from beta-binomial distributions.

    Parameters
    ----------
    mean, phi, rng
        As in `drawn_shares`.
    size : float
        The most points, a whole number.

    Returns
    -------
    ndarray, shape (draws, n)
        Whole numbers.
    """
    return np.asarray(rng.binomial(int(size), drawn_shares(mean, phi, rng)), dtype="float64")
