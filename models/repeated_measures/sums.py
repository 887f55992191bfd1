"""Sufficient statistics of a repeated-measures model: sums over the participants who share a missingness pattern.

After this nothing depends on the number of participants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["PatternSums", "Sums", "cross_products"]


@dataclass(frozen=True, slots=True)
class PatternSums:
    """Sums over the participants seen at the same t levels, for each cell.

    Attributes
    ----------
    levels : array of int, shape (t,)
        The levels (visits, times, or visits within arms) at which they were seen.
    n : array of float, shape (n_cells,)
        Participants, or the sum of their replicate weights.
    xx : array of float, shape (n_cells or 1, t * t, p * p)
        For each pair of levels a, b the sum of x_a x_b'.
    xy : array of float, shape (n_cells, t * t, p)
        For each pair of levels a, b the sum of x_a y_b.
    yy : array of float, shape (n_cells, t, t)
        Sum of y_a y_b.
    """

    levels: np.ndarray
    n: FloatArray
    xx: FloatArray
    xy: FloatArray
    yy: FloatArray


@dataclass(frozen=True, slots=True)
class Sums:
    """The sufficient statistics of many cells, each of one outcome with one set of replicate weights.

    Attributes
    ----------
    patterns : tuple of PatternSums
        One for each set of levels.
    n_coefficients : int
        Columns of the model matrix, p.
    """

    patterns: tuple[PatternSums, ...]
    n_coefficients: int

    @property
    def n_observations(self) -> FloatArray:
        """Observations of each cell, shape (n_cells,)."""
        return np.asarray(sum(pattern.n * pattern.levels.size for pattern in self.patterns))

    @property
    def n_participants(self) -> FloatArray:
        """Participants of each cell, shape (n_cells,)."""
        return np.asarray(sum(pattern.n for pattern in self.patterns))

    @property
    def n_cells(self) -> int:
        """Cells."""
        return int(self.patterns[0].n.size)

    def cells(self, chosen: np.ndarray) -> Sums:
        """Return the statistics of some cells."""
        if len(chosen) == self.n_cells:
            return self
        return replace(self, patterns=tuple(_chosen(pattern, chosen) for pattern in self.patterns))


def _chosen(pattern: PatternSums, chosen: np.ndarray) -> PatternSums:
    xx = pattern.xx if len(pattern.xx) == 1 else pattern.xx[chosen]
    return PatternSums(pattern.levels, pattern.n[chosen], xx, pattern.xy[chosen], pattern.yy[chosen])


def cross_products(levels: np.ndarray, x: FloatArray, y: FloatArray, weights: FloatArray) -> PatternSums:
    """Sum the products of one pattern.

    Parameters
    ----------
    levels : array of int, shape (t,)
        The levels of the pattern.
    x : array of float, shape (n, t, p)
        Rows of the model matrix.
    y : array of float, shape (n, t, n_cells)
        Outcomes; finite wherever the weight is not zero.
    weights : array of float, shape (n, n_cells) or (n, 1)
        Replicate weights: 0 leaves a participant out, 2 counts it twice.

    Returns
    -------
    PatternSums
        With one ``xx`` for all cells where `weights` has one column.
    """
    n, t, p = x.shape
    cells = y.shape[2]
    flat = x.reshape(n, t * p)
    weighted = np.where(weights[:, None, :] == 0, 0.0, y) * weights[:, None, :]
    if weights.shape[1] == 1:
        xx = (flat.T @ (flat * weights)).reshape(1, t, p, t, p).transpose(0, 1, 3, 2, 4)
    else:
        products = (x[:, :, None, :, None] * x[:, None, :, None, :]).reshape(n, -1)
        xx = (weights.T @ products).reshape(cells, t, t, p, p)
    xy = (flat.T @ weighted.reshape(n, -1)).reshape(t, p, t, cells).transpose(3, 0, 2, 1)
    yy = np.einsum("nac,nbc->cab", np.where(weights[:, None, :] == 0, 0.0, y), weighted)
    return PatternSums(
        levels,
        np.broadcast_to(weights.sum(axis=0), (cells,)),
        np.ascontiguousarray(xx).reshape(len(xx), t * t, p * p),
        np.ascontiguousarray(xy).reshape(cells, t * t, p),
        yy,
    )
