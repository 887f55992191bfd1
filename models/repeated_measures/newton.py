"""Maximum of the likelihood: Fisher scoring, then Newton with the observed information, each cell on its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.repeated_measures.likelihood import derivatives_at, is_positive_definite, point_at

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.likelihood import Evaluation
    from neurotrial.models.repeated_measures.structures import Structure
    from neurotrial.models.repeated_measures.sums import Sums
    from neurotrial.models.student import FloatArray

__all__ = ["Optimum", "maximise"]

_STEP = 1e-10
_GRADIENT = 1e-8
_FISHER_STEPS = 2
_MOST_ITERATIONS = 100
_MOST_HALVINGS = 40
_ROUNDING = 1e-11
_NEAR = 1e-2


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the search ended, for each cell.

    Attributes
    ----------
    theta : array of float, shape (n_cells, K)
        Covariance parameters.
    converged : array of bool, shape (n_cells,)
        Whether step and gradient are below their limits and the observed information is positive definite.
    gradient_norm, step_norm : array of float, shape (n_cells,)
        Largest element of the gradient times the standard error of its parameter, and largest element of the last
        Newton step in standard errors; limits 1e-8 and 1e-10.
    iterations : array of int, shape (n_cells,)
        Evaluations of the derivatives.
    """

    theta: FloatArray
    converged: np.ndarray
    gradient_norm: FloatArray
    step_norm: FloatArray
    iterations: np.ndarray


def maximise(sums: Sums, structure: Structure, start: FloatArray, *, reml: bool) -> Optimum:
    """Search the maximum of the (restricted) likelihood.

    Parameters
    ----------
    sums : Sums
        Sufficient statistics.
    structure : Structure
        Covariance structure.
    start : array of float, shape (n_cells, K)
        Parameters with a positive definite covariance.
    reml : bool
        Restricted likelihood, else full.

    Returns
    -------
    Optimum
        A cell that does not converge within 100 iterations, or finds no way up, ends with ``converged`` false.
    """
    cells = len(start)
    theta = start.copy()
    gradient_norm, step_norm = np.full(cells, np.inf), np.full(cells, np.inf)
    iterations = np.zeros(cells, dtype=np.int64)
    converged = np.zeros(cells, dtype=bool)
    moving = np.arange(cells)
    for iteration in range(_MOST_ITERATIONS):
        part = sums.cells(moving)
        found = derivatives_at(part, structure, theta[moving], reml=reml)
        iterations[moving] += 1
        curvature, newton = _curvature(found, iteration)
        solved = np.linalg.solve(curvature, found.gradient[:, :, None])[:, :, 0]
        step: FloatArray = np.asarray(-solved, dtype=np.float64)
        errors = np.sqrt(np.diagonal(np.linalg.inv(curvature), axis1=1, axis2=2))
        gradient_norm[moving] = np.abs(found.gradient * errors).max(axis=1)
        step_norm[moving] = np.abs(step / errors).max(axis=1)
        done = newton & (gradient_norm[moving] < _GRADIENT) & (step_norm[moving] < _STEP)
        converged[moving[done]] = True
        moved = _line_search(part, structure, theta[moving], step, found.point.neg2_loglik, reml=reml)
        stuck = ~done & (moved == theta[moving]).all(axis=1)
        theta[moving] = np.where(done[:, None], theta[moving], moved)
        moving = moving[~done & ~stuck]
        if not moving.size:
            break
    return Optimum(theta, converged, gradient_norm, step_norm, iterations)


def _curvature(found: Evaluation, iteration: int) -> tuple[FloatArray, np.ndarray]:
    """Return the matrix of the step, and for which cells it is the observed information."""
    newton = is_positive_definite(found.observed)
    if newton.all() and iteration >= _FISHER_STEPS:
        return found.observed, newton
    small = _near(found)
    use = newton & (small | (iteration >= _FISHER_STEPS))
    expected = _lifted(found.expected)
    return np.where(use[:, None, None], found.observed, expected), use


def _near(found: Evaluation) -> np.ndarray:
    """Say where the gradient is so small that Newton may begin at once."""
    errors = np.sqrt(1.0 / np.maximum(np.diagonal(found.expected, axis1=1, axis2=2), np.finfo(float).tiny))
    return np.asarray(np.abs(found.gradient * errors).max(axis=1) < _NEAR)


def _lifted(information: FloatArray) -> FloatArray:
    """Return information matrices made positive definite where rounding or a flat direction spoils them."""
    good = is_positive_definite(information)
    if good.all():
        return information
    values, vectors = np.linalg.eigh(information[~good])
    floor = np.maximum(values[:, -1:], 1.0) * 1e-8
    lifted = information.copy()
    lifted[~good] = (vectors * np.maximum(np.abs(values), floor)[:, None]) @ np.swapaxes(vectors, 1, 2)
    return lifted


def _line_search(
    sums: Sums, structure: Structure, theta: FloatArray, step: FloatArray, value: FloatArray, *, reml: bool
) -> FloatArray:
    """Halve each cell's step until the covariance is positive definite and the likelihood no lower."""
    best = theta.copy()
    open_cells = np.arange(len(theta))
    share = 1.0
    for _ in range(_MOST_HALVINGS):
        tried = theta[open_cells] + share * step[open_cells]
        with np.errstate(all="ignore"):
            matrix = structure.matrix(tried)
        found = point_at(sums.cells(open_cells), matrix, reml=reml).neg2_loglik
        limit = value[open_cells] + _ROUNDING * (1.0 + np.abs(value[open_cells]))
        good = found <= limit
        best[open_cells[good]] = tried[good]
        open_cells = open_cells[~good]
        share /= 2
        if not open_cells.size:
            break
    return best
