"""Cluster-robust covariances of generalised least squares, with Bell and McCaffrey's degrees of freedom.

Everything happens on the whitened scale, where the working covariance is the identity; CR2 takes the symmetric root of
I - H there, as R's mmrm does. Clusters hold whole participants, so that whitening does not reach across them.

References
----------
Bell RM, McCaffrey DF. Survey Methodology 2002;28:169-181.
Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683. https://doi.org/10.1080/07350015.2016.1247004
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["ROBUST", "ClusterRobust", "Sandwich", "sandwich"]

ClusterRobust = Literal["CR0", "CR2", "CR3"]
ROBUST: tuple[ClusterRobust, ...] = ("CR0", "CR2", "CR3")

_FULL = 1e-9


@dataclass(frozen=True, slots=True)
class Sandwich:
    """A robust covariance with what its degrees of freedom need.

    Attributes
    ----------
    vcov : array of float, shape (p, p)
        Robust covariance of the coefficients.
    model_vcov : array of float, shape (p, p)
        (X'V^-1 X)^-1.
    adjusted : tuple of array of float, shape (rows of the cluster, p)
        A_i X_i Phi of each cluster, where A_i is its adjustment.
    whitened : tuple of array of float, shape (rows of the cluster, p)
        Whitened model matrix of each cluster.
    undefined : int
        Clusters of full leverage, for which CR3 is not defined and CR2 uses a generalised inverse.
    """

    vcov: FloatArray
    model_vcov: FloatArray
    adjusted: tuple[FloatArray, ...]
    whitened: tuple[FloatArray, ...]
    undefined: int

    def functions(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return standard errors and df of linear functions, weights of shape (m, p); each of shape (m,)."""
        std_error = np.sqrt(np.einsum("mp,pq,mq->m", weights, self.vcov, weights))
        return std_error, np.array([self._df(function) for function in weights])

    def _df(self, function: FloatArray) -> float:
        """Return (sum of eigenvalues)^2 / (sum of their squares) of the quadratic form in the errors."""
        columns = [part @ function for part in self.adjusted]
        own = np.array([column @ column for column in columns])
        turned = np.array([part.T @ column for part, column in zip(self.whitened, columns, strict=True)])
        products = np.diag(own) - turned @ self.model_vcov @ turned.T
        return float(np.trace(products) ** 2 / (products**2).sum())


def sandwich(
    whitened: FloatArray, residual: FloatArray, cluster: np.ndarray, kind: ClusterRobust
) -> Sandwich:
    """Estimate the covariance of generalised least squares from its residuals.

    Parameters
    ----------
    whitened : array of float, shape (n_observations, p)
        Model matrix times the inverse root of the working covariance.
    residual : array of float, shape (n_observations,)
        Whitened residuals.
    cluster : array of int, shape (n_observations,)
        Cluster of each row, numbered from 0.
    kind : {"CR0", "CR2", "CR3"}
        Without adjustment, unbiased under the working model, and the jackknife.
    """
    model_vcov: FloatArray = np.asarray(np.linalg.inv(whitened.T @ whitened), dtype=np.float64)
    rows = [np.flatnonzero(cluster == number) for number in range(int(cluster.max()) + 1)]
    parts = tuple(whitened[at] for at in rows)
    meat = np.zeros_like(model_vcov)
    adjusted, undefined = [], 0
    for at, part in zip(rows, parts, strict=True):
        factor, full = _adjustment(part @ model_vcov @ part.T, kind)
        undefined += full
        score = part.T @ (factor @ residual[at])
        meat += np.outer(score, score)
        adjusted.append(factor @ part @ model_vcov)
    return Sandwich(model_vcov @ meat @ model_vcov, model_vcov, tuple(adjusted), parts, undefined)


def _adjustment(leverage: FloatArray, kind: ClusterRobust) -> tuple[FloatArray, bool]:
    """Return the factor of a cluster's residuals, and whether the cluster determines a coefficient alone."""
    n = len(leverage)
    if kind == "CR0":
        return np.eye(n), False
    values, vectors = np.linalg.eigh(np.eye(n) - 0.5 * (leverage + leverage.T))
    full = bool(values[0] < _FULL)
    power = -0.5 if kind == "CR2" else -1.0
    inverse = np.where(values > _FULL, np.abs(values) ** power, 0.0)
    return np.asarray((vectors * inverse) @ vectors.T), full
