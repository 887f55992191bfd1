"""The scale on which a model is fitted: an orthonormal model matrix, and residuals of unit size as outcome.

Generalised least squares and the likelihood carry over exactly, and rounding no longer depends on units or offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.repeated_measures.sums import PatternSums, Sums, cross_products

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

_WORD = 64

__all__ = ["Rows", "Working", "working"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a fit as arrays, ordered by participant and level.

    Attributes
    ----------
    x : array of float, shape (n_observations, p)
        Model matrix of full rank.
    participant, level : array of int, shape (n_observations,)
        Participant and level of each row, from 0.
    n_levels : int
        Rows of the covariance.
    precision : array of float, shape (n_observations,), or None
        Weights: the variance of a row is divided by its weight.
    """

    x: FloatArray
    participant: np.ndarray
    level: np.ndarray
    n_levels: int
    precision: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """Sufficient statistics on the working scale, and the way back.

    Attributes
    ----------
    sums : Sums
        Of the working model matrix and outcome.
    basis : array of float, shape (p, p)
        A linear function l of the coefficients is l @ basis on the working scale.
    offset : array of float, shape (n_cells, p)
        Working coefficients that were taken out of the outcome first, in its units.
    scale : array of float, shape (n_cells,)
        Units of the outcome in one working unit; 0 where the outcome has no residual variation.
    log_jacobian : float
        log |det basis|.
    log_precision : array of float, shape (n_cells,)
        Sum of the logarithms of the weights.
    """

    sums: Sums
    basis: FloatArray
    offset: FloatArray
    scale: FloatArray
    log_jacobian: float
    log_precision: FloatArray


def working(rows: Rows, y: FloatArray, replicates: FloatArray | None = None) -> Working:
    """Compress the data of many cells.

    Parameters
    ----------
    rows : Rows
        Model matrix and layout.
    y : array of float, shape (n_observations, n_cells)
        Outcomes; a row that is not finite is left out of that cell.
    replicates : array of float, shape (n_participants, n_cells), optional
        How often each participant counts; 1 by default.

    Returns
    -------
    Working
        In the order of the cells.
    """
    root = np.ones(len(rows.x)) if rows.precision is None else np.sqrt(rows.precision)
    q, r = np.linalg.qr(rows.x * root[:, None])
    size = np.sqrt(len(q))
    q, basis = q * size, np.linalg.inv(r) * size
    weighted = y * root[:, None]
    layout = _Layout(rows, np.isfinite(y), replicates)
    offset = _least_squares(layout.sums(q, weighted), q.shape[1])
    residual = weighted - q @ offset.T
    rms = _root_mean_square(layout.sums(q[:, :1], residual))
    noise = 16 * np.finfo(np.float64).eps * np.nanmax(np.abs(weighted), axis=0, initial=0.0)
    scale = np.where(rms > noise, rms, 0.0)
    sums = layout.sums(q, residual / np.where(scale > 0, scale, 1.0))
    counted = np.isfinite(y) * (1.0 if replicates is None else replicates[rows.participant])
    log_precision = 2 * np.log(root) @ counted
    return Working(sums, basis, offset, scale, float(np.linalg.slogdet(basis)[1]), log_precision)


class _Layout:
    """Which participants have which pattern in which cell; made once, summed several times."""

    def __init__(self, rows: Rows, finite: np.ndarray, replicates: FloatArray | None) -> None:
        n = int(rows.participant[-1]) + 1
        self._row_of = np.full((n, rows.n_levels), -1)
        self._row_of[rows.participant, rows.level] = np.arange(len(rows.x))
        self._common = bool((finite == finite[:, :1]).all())
        shown = finite[:, :1] if self._common else finite
        self._seen = np.zeros((n, rows.n_levels, shown.shape[1]), dtype=bool)
        self._seen[rows.participant, rows.level] = shown
        self._replicates = replicates
        self._patterns = self._find()

    def _find(self) -> list[tuple[np.ndarray, np.ndarray, FloatArray]]:
        """Return levels, participants and weights (participants, cells or 1) of each pattern."""
        n, levels, cells = self._seen.shape
        flat = self._seen.transpose(0, 2, 1).reshape(n * cells, levels)
        words = -(-levels // _WORD)
        padded = np.zeros((n * cells, words * _WORD), dtype=bool)
        padded[:, :levels] = flat
        packed = np.packbits(padded, axis=1).view(np.uint64)
        kinds, code = np.unique(packed[:, 0] if words == 1 else packed, axis=0, return_inverse=True)
        code = code.reshape(n, cells)
        found = []
        for number in range(len(kinds)):
            has = code == number
            at = np.flatnonzero(self._seen.transpose(0, 2, 1)[has][0])
            if not at.size:
                continue
            people = np.flatnonzero(has.any(axis=1))
            weights = has[people].astype("float64")
            if self._replicates is not None:
                weights = weights * self._replicates[people]
            found.append((at, people, weights))
        return found

    def sums(self, x: FloatArray, y: FloatArray) -> Sums:
        """Sum the products over the participants of each pattern."""
        return Sums(
            tuple(self._pattern(at, people, weights, x, y) for at, people, weights in self._patterns),
            x.shape[1],
        )

    def _pattern(
        self, at: np.ndarray, people: np.ndarray, weights: FloatArray, x: FloatArray, y: FloatArray
    ) -> PatternSums:
        rows = self._row_of[people[:, None], at]
        return cross_products(at, x[rows], y[rows], weights)


def _least_squares(sums: Sums, p: int) -> FloatArray:
    """Return ordinary least squares for each cell; any coefficients would do, these make small residuals."""
    squares, score = np.zeros((1, p * p)), np.zeros((1, p))
    for pattern in sums.patterns:
        diagonal = np.arange(pattern.levels.size) * (pattern.levels.size + 1)
        squares = squares + pattern.xx[:, diagonal].sum(axis=1)
        score = score + pattern.xy[:, diagonal].sum(axis=1)
    return np.asarray(
        (np.linalg.pinv(squares.reshape(-1, p, p), hermitian=True) @ score[:, :, None])[:, :, 0]
    )


def _root_mean_square(sums: Sums) -> FloatArray:
    total = sum(np.trace(pattern.yy, axis1=1, axis2=2) for pattern in sums.patterns)
    return np.asarray(np.sqrt(np.maximum(total, 0.0) / np.maximum(sums.n_observations, 1.0)))
