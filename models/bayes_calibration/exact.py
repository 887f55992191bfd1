"""The exact posterior of a Gaussian linear model with independent normal priors: what samplers are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NormalPrior, NuisancePriors
    from neurotrial.models.bayes.standardised import TwoVisits

__all__ = ["NormalMixture", "exact_ancova", "exact_effect"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_NODES = 4001
_REACH = 12.0
"""Half-width of the grid of log sigma about its mode, in standard deviations of a normal approximation."""


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """A posterior as a mixture of normal distributions over a grid of residual standard deviations.

    Attributes
    ----------
    weights, means, sds : ndarray, shape (nodes,)
        Weights sum to 1.
    """

    weights: FloatArray
    means: FloatArray
    sds: FloatArray

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.weights @ self.means)

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        second = self.weights @ (self.sds**2 + (self.means - self.mean) ** 2)
        return float(np.sqrt(second))

    def cdf(self, value: float) -> float:
        """Return the posterior probability of at most a value."""
        return float(self.weights @ special.ndtr((value - self.means) / self.sds))

    def quantile(self, probability: float) -> float:
        """Return the value that the effect is below with a probability in (0, 1)."""
        reach = 40 * self.sd
        return float(
            optimize.brentq(
                lambda value: self.cdf(value) - probability, self.mean - reach, self.mean + reach, xtol=1e-13
            )
        )


def exact_ancova(
    visits: TwoVisits, effect: NormalPrior, priors: NuisancePriors, arm: int = 0
) -> NormalMixture:
    """Return the posterior of the effect of a compared arm in the Bayesian analysis of covariance.

    Parameters
    ----------
    visits : TwoVisits
        Data on the standardised scale.
    effect : NormalPrior
        Prior of the effect of each compared arm.
    priors : NuisancePriors
        Priors of everything else.
    arm : int
        Which of the compared arms.

    Returns
    -------
    NormalMixture
    """
    (n, k), q = visits.arms.shape, visits.covariates.shape[1]
    design = np.column_stack([np.ones(n), visits.baseline, visits.arms, visits.covariates])
    return exact_effect(
        visits.follow_up,
        design,
        prior_mean=np.array([0.0, priors.slope.mean, *[effect.mean] * k, *[0.0] * q]),
        prior_sd=np.array(
            [priors.intercept_sd, priors.slope.sd, *[effect.sd] * k, *[priors.covariate_sd] * q]
        ),
        sigma_scale=priors.residual_sd,
        column=2 + arm,
    )


def exact_effect(
    outcome: FloatArray,
    design: FloatArray,
    *,
    prior_mean: FloatArray,
    prior_sd: FloatArray,
    sigma_scale: float,
    column: int,
) -> NormalMixture:
    """Return the posterior of one coefficient of a Gaussian linear model.

    Coefficients have independent normal priors, the residual standard deviation a half-normal one. Given the residual
    standard deviation everything is normal and known in closed form; what is left is an integral over one variable,
    which the trapezoidal rule on its logarithm solves to rounding error.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
        Values.
    design : ndarray, shape (n, p)
        Model matrix, n at least p.
    prior_mean, prior_sd : ndarray, shape (p,)
        Normal priors; standard deviations above 0.
    sigma_scale : float
        Scale of the half-normal prior of the residual standard deviation, above 0.
    column : int
        The coefficient.

    Returns
    -------
    NormalMixture

    References
    ----------
    Gelman A et al. Bayesian Data Analysis. 3rd ed. CRC Press; 2013. Chapter 14.
    """
    rotation, singular, axes = np.linalg.svd(design * prior_sd, full_matrices=False)
    centred = outcome - design @ prior_mean
    projected = rotation.T @ centred
    outside = float(centred @ centred - projected @ projected)

    def log_density(log_sigma: FloatArray) -> FloatArray:
        """Density of the logarithm of sigma given the data, but for a constant."""
        sigma2 = np.exp(2 * np.asarray(log_sigma))[..., None]
        inside = singular**2 + sigma2
        rest = len(outcome) - len(singular)
        likelihood = -0.5 * (np.log(inside) + projected**2 / inside).sum(-1)
        likelihood -= 0.5 * (rest * np.log(sigma2[..., 0]) + outside / sigma2[..., 0])
        prior = stats.halfnorm.logpdf(np.sqrt(sigma2[..., 0]), scale=sigma_scale) + log_sigma
        return np.asarray(likelihood + prior)

    grid = _grid(log_density)
    logs = log_density(grid)
    weights = np.exp(logs - special.logsumexp(logs))
    sigma2 = np.exp(2 * grid)[:, None]
    shrunk = singular / (singular**2 + sigma2)
    direction = axes[:, column] * prior_sd[column]
    means = prior_mean[column] + (shrunk * projected) @ direction
    variances = (direction**2 * sigma2 / (singular**2 + sigma2)).sum(axis=1)
    return NormalMixture(weights, means, np.sqrt(variances))


def _grid(log_density: Any) -> FloatArray:
    found = optimize.minimize_scalar(lambda value: -float(log_density(np.array(value))), bracket=(-2.0, 1.0))
    mode, step = float(found.x), 1e-3
    near = log_density(mode + step * np.array([-1.0, 0.0, 1.0]))
    curvature = -(near[0] - 2 * near[1] + near[2]) / step**2
    reach = _REACH / np.sqrt(max(curvature, 1e-3))
    return np.linspace(mode - reach, mode + reach, _NODES)
