"""Least squares on the log signal of many voxels at once: ordinary, weighted, iteratively reweighted.

Arrays are laid out volumes first, so that each of the 7 x 7 normal equations is solved for a whole row of voxels by the same
few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Design", "Room", "Solution", "log_design", "make_design", "make_room", "solve_logs"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_UNKNOWNS = 7
_SINGULAR = 1e-12
"""Share of a diagonal element that elimination must leave: less is rounding, and the equation depends on those before."""
_LARGEST_EXPONENT = 200.0
"""Of a weight: only noise has a signal that grows with b, and its products must stay finite."""
_STARTS = np.cumsum([0, *range(_UNKNOWNS, 1, -1)])
"""Where each row of an upper triangle starts, when the rows stand one after the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The linear model of the log signal.

    Attributes
    ----------
    matrix : ndarray, shape (volumes, 7)
        Columns of log S0 and of the elements xx, yy, zz, xy, xz, yz of the tensor in um2/ms.
    inverse : ndarray, shape (7, volumes)
        Pseudo-inverse: ordinary least squares.
    products : ndarray, shape (28, volumes)
        Products of two columns, the upper triangle by rows: the normal equations are linear in the weights.
    lowest : float
        Smallest eigenvalue, in um2/ms, that is told from 0: a change of the log signal by 1e-6, as in dipy.
    """

    matrix: FloatArray
    inverse: FloatArray
    products: FloatArray
    lowest: float


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Memory that chunks of voxels use one after the other: new memory for each would take as long as the arithmetic.

    Attributes
    ----------
    logs : ndarray, shape (volumes, voxels)
        Log signal.
    weights : ndarray, shape (volumes, voxels)
        Square of the predicted signal over S0; 0 at samples that are left out.
    scratch : ndarray, shape (volumes, voxels)
    upper : ndarray, shape (28, voxels)
        Normal equations, the upper triangle by rows.
    right : ndarray, shape (7, voxels)
        Their right side.
    """

    logs: FloatArray
    weights: FloatArray
    scratch: FloatArray
    upper: FloatArray
    right: FloatArray

    def part(self, voxels: int) -> Room:
        """Return the room for fewer voxels."""
        return Room(*(getattr(self, name)[:, :voxels] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Least squares solution of many voxels.

    Attributes
    ----------
    coefficients : ndarray, shape (7, voxels)
        In the order of the columns of the design; 0 where not solved.
    solved : ndarray of bool, shape (voxels,)
        Whether the samples of the voxel determine a tensor.
    """

    coefficients: FloatArray
    solved: BoolArray


def log_design(bvals: FloatArray, bvecs: FloatArray) -> FloatArray:
    """Return the columns of the linear model, shape (volumes, 7).

    Parameters
    ----------
    bvals : ndarray, shape (volumes,)
        In s/mm2.
    bvecs : ndarray, shape (volumes, 3)
        Unit directions; zero for unweighted volumes, whose b-value therefore does not count.
    """
    b = bvals / 1000
    x, y, z = bvecs.T
    elements = (x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z)
    return np.column_stack([np.ones_like(b), *(-b * part for part in elements)])


def make_design(bvals: FloatArray, bvecs: FloatArray) -> Design:
    """Return the linear model of a scan with what can be computed once; see `log_design`."""
    matrix = log_design(bvals, bvecs)
    rows, columns = np.triu_indices(_UNKNOWNS)
    products = np.ascontiguousarray((matrix[:, rows] * matrix[:, columns]).T)
    inverse = np.asarray(np.linalg.pinv(matrix), dtype="float64")
    return Design(matrix, inverse, products, 1e-6 / float(-matrix.min()))


def make_room(volumes: int, voxels: int) -> Room:
    """Return the memory for chunks of up to so many voxels."""
    rows = [volumes, volumes, volumes, _UNKNOWNS * (_UNKNOWNS + 1) // 2, _UNKNOWNS]
    return Room(*(np.empty((count, voxels)) for count in rows))


def solve_logs(room: Room, design: Design, good: BoolArray | None, reweightings: int) -> Solution:
    """Fit the linear model to the log signal.

    Parameters
    ----------
    room : Room
        With the log signal in `logs`; any finite number at samples that are left out.
    design : Design
        The linear model.
    good : ndarray of bool, shape (volumes, voxels), or None
        Samples that count; None where all do.
    reweightings : int
        0 for ordinary, 1 for weighted least squares, more to take the weights from the last fit again.

    References
    ----------
    Veraart J et al. NeuroImage 2013;81:335-346. https://doi.org/10.1016/j.neuroimage.2013.05.028
    """
    if good is None:
        coefficients = np.matmul(design.inverse, room.logs, out=room.right)
        solved = np.ones(coefficients.shape[1], dtype=bool)
    else:
        np.copyto(room.weights, good)
        coefficients, solved = _solve(room, design)
    _weigh(room, design, coefficients, good)
    for step in range(1, reweightings + 1):
        coefficients, found = _solve(room, design)
        solved &= found
        if step < reweightings:
            _weigh(room, design, coefficients, good)
    return Solution(coefficients, solved)


def _weigh(room: Room, design: Design, coefficients: FloatArray, good: BoolArray | None) -> None:
    """Set the weights to the square of the predicted signal over S0."""
    weights = np.matmul(design.matrix[:, 1:], 2 * coefficients[1:], out=room.weights)
    np.minimum(weights, _LARGEST_EXPONENT, out=weights)
    np.exp(weights, out=weights)
    if good is not None:
        weights *= good


def _solve(room: Room, design: Design) -> tuple[FloatArray, BoolArray]:
    """Solve the weighted normal equations by Cholesky's elimination without roots; tell where they are regular."""
    np.multiply(room.weights, room.logs, out=room.scratch)
    right = np.matmul(design.matrix.T, room.scratch, out=room.right)
    upper = np.matmul(design.products, room.weights, out=room.upper)
    product = room.scratch[:_UNKNOWNS]
    rows = [upper[start : start + _UNKNOWNS - i] for i, start in enumerate(_STARTS)]
    least = _SINGULAR * upper[_STARTS]
    regular = np.ones(right.shape[1], dtype=bool)
    for i, row in enumerate(rows):
        regular &= row[0] > least[i]
        if not regular.all():
            row[0][~regular] = 1
        for j, share in enumerate(row[1:] / row[0], i + 1):
            rows[j] -= np.multiply(share, row[j - i :], out=product[: _UNKNOWNS - j])
            right[j] -= np.multiply(share, right[i], out=product[0])
    for i in reversed(range(_UNKNOWNS)):
        for j in range(i + 1, _UNKNOWNS):
            right[i] -= np.multiply(rows[i][j - i], right[j], out=product[0])
        right[i] /= rows[i][0]
    right[:, ~regular] = 0
    return right, regular
