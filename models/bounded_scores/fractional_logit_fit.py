"""Fractional logit: the mean share of the scale by a logistic curve, with errors that need no distribution.

References
----------
Papke LE, Wooldridge JM. J Appl Econom 1996;11:619-632.
https://doi.org/10.1002/(SICI)1099-1255(199611)11:6%3C619::AID-JAE418%3E3.0.CO;2-1
Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683. https://doi.org/10.1080/07350015.2016.1247004
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["FractionalLogit", "fractional_logit_fit"]

_SEPARATED = 20.0


@dataclass(frozen=True, slots=True)
class FractionalLogit:
    """A fitted fractional logit.

    Attributes
    ----------
    coefficients : array of float, shape (p,)
        Log odds.
    vcov_quasi, vcov_cr0, vcov_cr2 : array of float, shape (p, p)
        Quasi-binomial covariance; cluster-robust ones, with clusters of one row the heteroscedasticity-consistent HC0
        and HC2.
    dispersion, deviance, df_resid : float
        Pearson dispersion, deviance, rows less coefficients.
    x, mean, residual : array of float
        Model matrix, fitted shares, residuals.
    cluster : array of int, shape (n,)
        Cluster of each row, from 0.
    """

    coefficients: FloatArray
    vcov_quasi: FloatArray
    vcov_cr0: FloatArray
    vcov_cr2: FloatArray
    dispersion: float
    deviance: float
    df_resid: float
    x: FloatArray
    mean: FloatArray
    residual: FloatArray
    cluster: np.ndarray

    def df(self, weights: FloatArray, kind: str = "CR2") -> float:
        """Return Satterthwaite's degrees of freedom of a linear function of the coefficients, for CR0 or CR2."""
        clusters = _clusters(self.x, self.mean, self.cluster, kind)
        return clusters.satterthwaite(weights)


def fractional_logit_fit(
    share: FloatArray, x: FloatArray, cluster: np.ndarray | None = None
) -> FractionalLogit:
    """Fit by quasi-likelihood.

    Parameters
    ----------
    share : array of float, shape (n,)
        Between 0 and 1.
    x : array of float, shape (n, p)
        Model matrix with intercept.
    cluster : array of int, shape (n,), optional
        Rows that belong together; each its own by default.

    Raises
    ------
    InputError
        If a fitted share is 0 or 1 (separation).
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = GLM(share, x, family=Binomial()).fit(tol=1e-14, maxiter=200)
    coefficients = np.asarray(found.params, dtype="float64")
    if not np.isfinite(coefficients).all() or np.abs(x @ coefficients).max() > _SEPARATED:
        rule = "a term tells exactly who is at the end of the scale (separation)"
        raise refuse("fractional logit", rule, "leave out terms, or use rank tests or re-randomisation")
    mean = np.asarray(found.fittedvalues, dtype="float64")
    residual, variance = share - mean, mean * (1 - mean)
    inverse = np.linalg.inv(x.T @ (x * variance[:, None]))
    n, p = x.shape
    dispersion = float((residual**2 / variance).sum() / (n - p))
    rows = np.arange(n) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    return FractionalLogit(
        coefficients=coefficients,
        vcov_quasi=inverse * dispersion,
        vcov_cr0=_clusters(x, mean, rows, "CR0").vcov(residual),
        vcov_cr2=_clusters(x, mean, rows, "CR2").vcov(residual),
        dispersion=dispersion,
        deviance=float(found.deviance),
        df_resid=float(n - p),
        x=x,
        mean=mean,
        residual=residual,
        cluster=rows,
    )


@dataclass(frozen=True, slots=True)
class _Clusters:
    """Matrices that turn the residuals of each cluster into its share of the coefficients, shape (p, n_i) each."""

    members: tuple[np.ndarray, ...]
    adjusted: tuple[FloatArray, ...]
    slope: FloatArray
    variance: FloatArray
    bread: FloatArray

    def vcov(self, residual: FloatArray) -> FloatArray:
        scores = np.array(
            [own @ residual[rows] for rows, own in zip(self.members, self.adjusted, strict=True)]
        )
        return np.asarray(scores.T @ scores)

    def satterthwaite(self, weights: FloatArray) -> float:
        """Match the first two moments of the variance estimate, the shares having their working variance."""
        n = len(self.variance)
        projection = self.slope @ self.bread @ (self.slope / self.variance[:, None]).T
        left = np.eye(n) - projection
        vectors = np.array([
            (weights @ own) @ left[rows] for rows, own in zip(self.members, self.adjusted, strict=True)
        ])  # fmt: skip
        inner = vectors @ (vectors * self.variance).T
        return float(np.trace(inner) ** 2 / (inner**2).sum())


def _clusters(x: FloatArray, mean: FloatArray, cluster: np.ndarray, kind: str) -> _Clusters:
    variance = mean * (1 - mean)
    slope = x * variance[:, None]
    bread = np.asarray(np.linalg.inv(x.T @ slope), dtype="float64")
    members = tuple(np.flatnonzero(cluster == number) for number in range(int(cluster.max()) + 1))
    adjusted = tuple(
        bread @ x[rows].T @ _adjustment(slope[rows], variance[rows], bread, kind) for rows in members
    )
    return _Clusters(members, adjusted, slope, variance, bread)


def _adjustment(slope: FloatArray, variance: FloatArray, bread: FloatArray, kind: str) -> FloatArray:
    """Return what makes a cluster's residuals unbiased for its variance under the working model."""
    if kind == "CR0":
        return np.eye(len(variance))
    root = np.sqrt(variance)
    inner = root[:, None] * (np.diag(variance) - slope @ bread @ slope.T) * root
    values, vectors = np.linalg.eigh(inner)
    half = np.where(values > 1e-12 * values.max(), 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    return np.asarray(root[:, None] * ((vectors * half) @ vectors.T) * root)
