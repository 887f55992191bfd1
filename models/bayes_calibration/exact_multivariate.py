"""Exact draws from the posterior of a saturated multivariate linear model: every visit has the same model matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["MatrixDraws", "MatrixPosterior", "flat_matrix_posterior", "log_prior_shift"]


@dataclass(frozen=True, slots=True)
class MatrixDraws:
    """Draws of coefficients and covariance.

    Attributes
    ----------
    coefficients : ndarray, shape (size, p, T)
        Of each visit.
    covariance : ndarray, shape (size, T, T)
        Of the residuals of a participant.
    """

    coefficients: FloatArray
    covariance: FloatArray

    def contrast(self, weights: FloatArray, visits: FloatArray) -> FloatArray:
        """Return a contrast of arms and visits in each draw.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Of the coefficients, e.g. 1 for the treated arm.
        visits : ndarray, shape (T,)
            Of the visits, e.g. -1 for baseline and 1 for the last.

        Returns
        -------
        ndarray, shape (size,)
        """
        return np.asarray(np.einsum("p,spt,t->s", weights, self.coefficients, visits))


@dataclass(frozen=True, slots=True)
class MatrixPosterior:
    """The covariance is inverse Wishart, the coefficients are matrix normal given it.

    Attributes
    ----------
    mean : ndarray, shape (p, T)
        Least-squares coefficients of each visit.
    row_covariance : ndarray, shape (p, p)
        Inverse of the cross product of the model matrix.
    scale : ndarray, shape (T, T)
        Cross product of the residuals.
    df : float
        Degrees of freedom of the inverse Wishart distribution, above T - 1.
    """

    mean: FloatArray
    row_covariance: FloatArray
    scale: FloatArray
    df: float

    def draw(self, rng: np.random.Generator, size: int) -> MatrixDraws:
        """Draw independently."""
        p, t = self.mean.shape
        covariance = stats.invwishart(self.df, self.scale).rvs(size, random_state=rng).reshape(size, t, t)
        noise = np.linalg.cholesky(self.row_covariance) @ rng.normal(size=(size, p, t))
        return MatrixDraws(self.mean + noise @ np.swapaxes(np.linalg.cholesky(covariance), 1, 2), covariance)


def flat_matrix_posterior(values: FloatArray, design: FloatArray, power: float) -> MatrixPosterior:
    """Return the posterior under a prior that is flat in the coefficients and det(Sigma)^(-power/2) in the covariance.

    Parameters
    ----------
    values : ndarray, shape (n, T)
        Values, none missing.
    design : ndarray, shape (n, p)
        Model matrix of each visit, of full rank; dummies of all arms saturate the means.
    power : float
        T + 1 is Jeffreys' prior of a covariance; T is the measure against which `log_prior_shift` is easiest.

    Returns
    -------
    MatrixPosterior

    Raises
    ------
    InputError
        If a value is missing, or the values are too few for a proper posterior.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis. 3rd ed. CRC Press; 2013. Section 3.6.
    """
    (n, t), p = values.shape, design.shape[1]
    df = n - p + power - t - 1
    if not np.isfinite(values).all():
        raise refuse("values", "miss some: there is no exact posterior", "leave these participants out")
    if df <= t - 1:
        rule = f"{n} participants are too few for {p} coefficients and {t} visits"
        raise refuse("values", rule, "give more participants")
    row_covariance = np.asarray(np.linalg.inv(design.T @ design), dtype="float64")
    mean = row_covariance @ design.T @ values
    residual = values - design @ mean
    return MatrixPosterior(mean, row_covariance, residual.T @ residual, float(df))


def log_prior_shift(
    covariance: FloatArray, power: float, eta: float, sd_scale: FloatArray | None
) -> FloatArray:
    """Return the log of the density of half-normal SDs with an LKJ correlation over det(Sigma)^(-power/2).

    Draws of `flat_matrix_posterior` with these as log weights are draws from the posterior of a model with such priors:
    the Bayesian model of repeated measures, where priors of the coefficients are wide.

    Parameters
    ----------
    covariance : ndarray, shape (size, T, T)
        Draws.
    power : float
        As in `flat_matrix_posterior`.
    eta : float
        LKJ parameter, above 0.
    sd_scale : ndarray, shape (T,), or None
        Scales of the half-normal priors; None for SDs with a flat prior.

    Returns
    -------
    ndarray, shape (size,)
        But for a constant.

    Notes
    -----
    From SDs s and correlation R to the covariance the Jacobian is prod(s)^T, but for a constant, so that SDs and R with
    the density det(R)^(eta - 1) prod(h(s)) have in the covariance the density det(R)^(eta - 1) prod(h(s)) prod(s)^-T.
    """
    t = covariance.shape[1]
    sds = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    log_sds = np.log(sds).sum(axis=1)
    log_det = np.linalg.slogdet(covariance)[1]
    own = (eta - 1) * (log_det - 2 * log_sds) - t * log_sds
    if sd_scale is not None:
        own = own - 0.5 * ((sds / sd_scale) ** 2).sum(axis=1)
    return np.asarray(own + power / 2 * log_det)
