"""Fitted cells: the search of the maximum from good starting values, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.repeated_measures.likelihood import derivatives_at, is_positive_definite
from neurotrial.models.repeated_measures.newton import Optimum, maximise

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.likelihood import Evaluation
    from neurotrial.models.repeated_measures.structures import Structure
    from neurotrial.models.repeated_measures.sums import Sums
    from neurotrial.models.repeated_measures.working import Working
    from neurotrial.models.student import FloatArray

__all__ = ["Solution", "solve"]

_SHRINK = (0.95, 0.8, 0.6, 0.4, 0.2, 0.0)
_WELL_CONDITIONED = 0.05
_SINGULAR = 1e-8


@dataclass(frozen=True, slots=True)
class Solution:
    """Fitted cells on the working scale.

    Attributes
    ----------
    working : Working
        Statistics and the way back to the units of the outcome.
    structure : Structure
        Covariance structure.
    reml : bool
        Restricted likelihood, else full.
    optimum : Optimum
        Where the search ended.
    evaluation : Evaluation
        The likelihood with its derivatives there.
    reasons : tuple of str
        Why a cell has no result; empty for those that have one.
    """

    working: Working
    structure: Structure
    reml: bool
    optimum: Optimum
    evaluation: Evaluation
    reasons: tuple[str, ...]

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the levels in squared units of the outcome, shape (n_cells, n_levels, n_levels)."""
        return self.evaluation.covariance.matrix * self.working.scale[:, None, None] ** 2

    @property
    def neg2_loglik(self) -> FloatArray:
        """-2 log (restricted) likelihood in the units of the outcome, shape (n_cells,)."""
        work = self.working
        free = work.sums.n_observations - (work.sums.n_coefficients if self.reml else 0)
        value = self.evaluation.point.neg2_loglik + 2 * free * np.log(work.scale) - work.log_precision
        return value - 2 * work.log_jacobian if self.reml else value

    def estimates(self, weights: FloatArray) -> FloatArray:
        """Return linear functions of the coefficients, shape (n_cells, m), for weights of shape (m, p)."""
        work = self.working
        coefficients = work.offset + work.scale[:, None] * self.evaluation.point.coefficients
        return coefficients @ (weights @ work.basis).T

    def theta_vcov(self, *, expected: bool = False) -> FloatArray:
        """Return the covariance of the covariance parameters, shape (n_cells, K, K)."""
        found = self.evaluation
        return self.inverse(found.expected if expected else found.observed)

    def inverse(self, information: FloatArray) -> FloatArray:
        """Return the inverse of an information matrix of each cell; the identity for cells without a result."""
        failed = np.array([bool(reason) for reason in self.reasons])
        usable = np.where(failed[:, None, None], np.eye(information.shape[1]), information)
        return np.asarray(np.linalg.inv(usable), dtype=np.float64)


def solve(work: Working, structure: Structure, *, reml: bool, start: FloatArray | None = None) -> Solution:
    """Fit every cell.

    Parameters
    ----------
    work : Working
        Sufficient statistics.
    structure : Structure
        Covariance structure.
    reml : bool
        Restricted likelihood, else full.
    start : array of float, shape (n_cells, n_levels, n_levels), optional
        Covariance on the working scale from which the search begins; moments of the residuals by default.

    Returns
    -------
    Solution
        Cells without a result have the reason; their numbers mean nothing.
    """
    moments = _moments(work.sums, structure.n_levels) if start is None else start
    theta = _start(structure, moments)
    sound = _sound(work)
    theta[~sound] = structure.parameters(np.eye(structure.n_levels)[None])
    optimum = _search(work.sums, structure, theta, sound, reml=reml)
    evaluation = derivatives_at(work.sums, structure, optimum.theta, reml=reml)
    reasons = tuple(_reasons(work, optimum, evaluation, sound))
    return Solution(work, structure, reml, optimum, evaluation, reasons)


def _search(sums: Sums, structure: Structure, theta: FloatArray, sound: np.ndarray, *, reml: bool) -> Optimum:
    """Search the maximum for the cells that can have one; the others stay where they are."""
    chosen = np.flatnonzero(sound)
    infinite = np.full(len(sound), np.inf)
    whole = Optimum(
        theta, np.zeros_like(sound), infinite, infinite.copy(), np.zeros(len(sound), dtype=np.int64)
    )
    if chosen.size:
        found = maximise(sums.cells(chosen), structure, theta[chosen], reml=reml)
        whole.theta[chosen], whole.converged[chosen] = found.theta, found.converged
        whole.gradient_norm[chosen], whole.step_norm[chosen] = found.gradient_norm, found.step_norm
        whole.iterations[chosen] = found.iterations
    return whole


def _moments(sums: Sums, n_levels: int) -> FloatArray:
    """Return variances and shrunken covariances of the residuals, positive definite."""
    total = np.zeros((sums.n_cells, n_levels, n_levels))
    count = np.zeros_like(total)
    for pattern in sums.patterns:
        at = (slice(None), pattern.levels[:, None], pattern.levels)
        total[at] += pattern.yy
        count[at] += pattern.n[:, None, None]
    mean = total / np.maximum(count, 1.0)
    variance = np.maximum(np.diagonal(mean, axis1=1, axis2=2), 1e-3)
    sd = np.sqrt(variance)
    outer = sd[:, :, None] * sd[:, None, :]
    diagonal = np.eye(n_levels, dtype=bool)
    correlation = np.where(diagonal, 1.0, np.clip(mean / outer, -1.0, 1.0))
    chosen = np.broadcast_to(np.eye(n_levels), correlation.shape).copy()
    left = np.ones(sums.n_cells, dtype=bool)
    for share in _SHRINK:
        shrunk = np.where(diagonal, 1.0, share * correlation)
        good = left & (np.linalg.eigvalsh(shrunk)[:, 0] > _WELL_CONDITIONED)
        chosen[good] = shrunk[good]
        left &= ~good
        if not left.any():
            break
    return np.asarray(chosen * outer)


def _start(structure: Structure, moments: FloatArray) -> FloatArray:
    theta = np.array(structure.parameters(moments))
    bad = ~is_positive_definite(structure.matrix(theta))
    if bad.any():
        variance = np.diagonal(moments[bad], axis1=1, axis2=2).mean(axis=1)
        theta[bad] = structure.parameters(variance[:, None, None] * np.eye(structure.n_levels))
    return theta


def _sound(work: Working) -> np.ndarray:
    """Say which cells have residual variation and a model matrix of full rank."""
    p = work.sums.n_coefficients
    squares = np.zeros((1, p, p))
    for pattern in work.sums.patterns:
        diagonal = np.arange(pattern.levels.size) * (pattern.levels.size + 1)
        squares = squares + pattern.xx[:, diagonal].sum(axis=1).reshape(-1, p, p)
    values = np.linalg.eigvalsh(squares)
    full = values[:, 0] > _SINGULAR * np.maximum(values[:, -1], 1.0)
    return np.asarray((work.scale > 0) & full)


def _reasons(work: Working, optimum: Optimum, found: Evaluation, sound: np.ndarray) -> list[str]:
    sd = np.sqrt(np.maximum(np.diagonal(found.covariance.matrix, axis1=1, axis2=2), 0))
    floor = np.maximum(sd[:, :, None] * sd[:, None, :], np.finfo(np.float64).tiny)
    smallest = np.linalg.eigvalsh(found.covariance.matrix / floor)[:, 0]
    positive = is_positive_definite(found.observed)
    reasons = []
    for cell in range(len(sound)):
        if work.scale[cell] == 0:
            reasons.append("the outcome has no residual variation")
        elif not sound[cell]:
            reasons.append("coefficients are aliased among the participants of this cell")
        elif smallest[cell] < _SINGULAR:
            reasons.append("the likelihood grows without bound towards a singular covariance")
        elif not positive[cell]:
            reasons.append("the data do not identify all covariance parameters")
        elif not optimum.converged[cell]:
            reasons.append(
                f"no convergence after {optimum.iterations[cell]} iterations (scaled gradient"
                f" {optimum.gradient_norm[cell]:.1e}, step {optimum.step_norm[cell]:.1e})"
            )
        else:
            reasons.append("")
    return reasons
