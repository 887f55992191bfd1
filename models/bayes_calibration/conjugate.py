"""Exact posteriors of a Gaussian linear model under conjugate and flat priors: multivariate t, and draws from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["NormalInverseGamma", "conjugate_posterior", "flat_posterior"]


@dataclass(frozen=True, slots=True)
class NormalInverseGamma:
    """Coefficients are normal given the residual variance, which is inverse gamma.

    Attributes
    ----------
    mean : ndarray, shape (p,)
        Of the coefficients.
    precision : ndarray, shape (p, p)
        Times the residual variance, their inverse covariance given it.
    shape, scale : float
        Of the inverse gamma distribution of the residual variance.
    """

    mean: FloatArray
    precision: FloatArray
    shape: float
    scale: float

    def marginal(self, weights: FloatArray) -> Any:
        """Return the distribution of a linear function of the coefficients: Student's t of SciPy.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Of the coefficients.
        """
        variance = self.scale / self.shape * (weights @ np.linalg.solve(self.precision, weights))
        return stats.t(2 * self.shape, weights @ self.mean, np.sqrt(variance))

    def draw(self, rng: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
        """Draw coefficients, shape (size, p), and residual standard deviations, shape (size,)."""
        sigma = np.sqrt(self.scale / rng.gamma(self.shape, size=size))
        root = np.linalg.cholesky(self.precision)
        z = np.linalg.solve(root.T, rng.normal(size=(len(self.mean), size)))
        return self.mean + sigma[:, None] * z.T, sigma


def conjugate_posterior(
    outcome: FloatArray, design: FloatArray, prior: NormalInverseGamma
) -> NormalInverseGamma:
    """Return the posterior under a conjugate prior.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Values.
    design : ndarray, shape (n, p)
        Model matrix.
    prior : NormalInverseGamma
        Prior; a precision of 0 and a scale of 0 are flat.

    Returns
    -------
    NormalInverseGamma

    References
    ----------
    Gelman A et al. Bayesian Data Analysis. 3rd ed. CRC Press; 2013. Chapter 14.
    """
    precision = prior.precision + design.T @ design
    mean = np.asarray(
        np.linalg.solve(precision, prior.precision @ prior.mean + design.T @ outcome), dtype="float64"
    )
    residual, away = outcome - design @ mean, mean - prior.mean
    squares = residual @ residual + away @ prior.precision @ away
    return NormalInverseGamma(
        mean, precision, prior.shape + len(outcome) / 2, float(prior.scale + squares / 2)
    )


def flat_posterior(outcome: FloatArray, design: FloatArray, power: float = 1.0) -> NormalInverseGamma:
    """Return the posterior under a prior that is flat in the coefficients and sigma^-power in the residual SD.

    With the power 1 the posterior of a coefficient is the t distribution of its classical interval; the power 0 is the
    limit of a half-normal prior that becomes wide, with one degree of freedom less.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Values.
    design : ndarray, shape (n, p)
        Model matrix of full rank.
    power : float
        Such that n - p + power - 1 is above 0.

    Returns
    -------
    NormalInverseGamma

    Raises
    ------
    InputError
        If the values are too few for a proper posterior.
    """
    n, p = design.shape
    if n - p + power - 1 <= 0:
        rule = f"{n} values are too few for {p} coefficients with the power {power:g}"
        raise refuse("flat_posterior", rule, "give more values or a proper prior")
    # sigma^-power is the inverse gamma "density" of the variance with the shape (power - 1) / 2; p flat ones take p / 2
    flat = NormalInverseGamma(np.zeros(p), np.zeros((p, p)), (power - 1 - p) / 2, 0.0)
    return conjugate_posterior(outcome, design, flat)
