"""The analysis of completed data: least squares for many completed data sets, as functions of the deltas.

An estimate is linear in the outcomes, so that adding deltas to imputed values costs no further fit: the estimates are
kept for the imputed values and, for each arm, for one unit added to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.missing_data.layout import Layout
    from neurotrial.models.student import FloatArray

__all__ = ["ANALYSES", "Analysis", "CompletedFits", "completed_fits"]

Analysis = Literal["ancova", "change_score"]
ANALYSES: tuple[Analysis, ...] = get_args(Analysis)


@dataclass(frozen=True, slots=True)
class CompletedFits:
    """Fits of completed data sets.

    Attributes
    ----------
    estimates : array of float, shape (n_cells, 1 + n_arms, T, F)
        Contrasts of each arm with the reference, then mean of each arm; of the completed outcomes, then of one unit
        added to the imputed values of each arm.
    squares : array of float, shape (n_cells, 1 + n_arms, 1 + n_arms, T)
        Sums of products of the residuals of these outcomes.
    unit_variance : array of float, shape (n_cells, F)
        Variance of each function for a residual variance of 1.
    df : float
        Residual degrees of freedom with everybody.
    n_coefficients : int
        Coefficients of the analysis.
    """

    estimates: FloatArray
    squares: FloatArray
    unit_variance: FloatArray
    df: float
    n_coefficients: int

    def at(self, deltas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return estimates and variances with deltas added, shape (n_deltas, n_cells, T, F) each.

        Parameters
        ----------
        deltas : array of float, shape (n_deltas, n_arms)
            What is added to the imputed values of each arm.
        """
        weights = np.column_stack([np.ones(len(deltas)), deltas])
        estimates = np.einsum("gk,cktf->gctf", weights, self.estimates)
        squares = np.einsum("gk,cklt,gl->gct", weights, self.squares, weights)
        return estimates, squares[..., None] / self.df * self.unit_variance[None, :, None, :]


def completed_fits(
    table: Layout,
    analysis: Analysis,
    values: FloatArray,
    baseline: FloatArray,
    weights: FloatArray | None = None,
) -> CompletedFits:
    """Analyse completed data.

    Parameters
    ----------
    table : Layout
        Arms, covariates, and which values were missing.
    analysis : {"ancova", "change_score"}
        Adjusted for baseline and covariates, or the unadjusted change.
    values : array of float, shape (n_cells, n, T)
        Completed outcomes.
    baseline : array of float, shape (n_cells, n) or (1, n)
        Completed baselines.
    weights : array of float, shape (n_cells, n), optional
        How often each participant counts.

    Returns
    -------
    CompletedFits
        Cell by cell.
    """
    start = values - baseline[:, :, None] if analysis == "change_score" else values
    added = table.missing[:, :, None] & (table.arm[:, None, None] == np.arange(len(table.arms)))
    units = np.broadcast_to(added.astype("float64"), (len(values), *added.shape))
    responses = np.concatenate([start[..., None], units], axis=3)
    flat = responses.reshape(*values.shape[:2], -1)
    x = _matrix(table, analysis, baseline)
    counts = np.ones((1, x.shape[1])) if weights is None else weights
    weighted = np.swapaxes(x * counts[..., None], 1, 2)
    inverse = np.linalg.inv(weighted @ x)
    coefficients = inverse @ (weighted @ flat)
    residual = (flat - x @ coefficients).reshape(responses.shape)
    functions = _functions(len(table.arms), weighted.sum(axis=2) / counts.sum(axis=1)[:, None])
    estimates = (functions @ coefficients).reshape(len(values), -1, *responses.shape[2:])
    return CompletedFits(
        estimates=estimates.transpose(0, 3, 2, 1),
        squares=np.einsum("cntk,cntl->cklt", residual * counts[..., None, None], residual),
        unit_variance=((functions @ inverse) * functions).sum(axis=2),
        df=float(x.shape[1] - x.shape[2]),
        n_coefficients=x.shape[2],
    )


def _matrix(table: Layout, analysis: Analysis, baseline: FloatArray) -> FloatArray:
    """Return intercept, arms, baseline and covariates, shape (n_cells or 1, n, q)."""
    dummies = (table.arm[:, None] == np.arange(1, len(table.arms))).astype("float64")
    plain = np.column_stack([np.ones(len(dummies)), dummies])
    if analysis == "change_score":
        return plain[None]
    parts = [np.broadcast_to(part, (len(baseline), *part.shape)) for part in (plain, table.covariates)]
    return np.concatenate([parts[0], baseline[..., None], parts[1]], axis=2)


def _functions(n_arms: int, means: FloatArray) -> FloatArray:
    """Return the weights of the contrasts and of the means at average covariates, shape (n_cells or 1, F, q)."""
    functions = np.zeros((len(means), 2 * n_arms - 1, means.shape[1]))
    functions[:, : n_arms - 1, 1:n_arms] = np.eye(n_arms - 1)
    functions[:, n_arms - 1 :] = means[:, None]
    functions[:, n_arms - 1 :, 1:n_arms] = np.eye(n_arms)[:, 1:]
    return functions
