"""The exact posterior of group x time over two correlated visits, by quadrature over both SDs and the correlation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, special, stats

from neurotrial.models.bayes_calibration.exact import NormalMixture

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NormalPrior, NuisancePriors
    from neurotrial.models.bayes.standardised import TwoVisits

__all__ = ["PairModel", "exact_group_time", "pair_model"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_NODES = 49
_REACH = 9.0
"""Half-width of the grid in standard deviations of a normal approximation; the trapezoidal rule does the rest."""
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class PairModel:
    """A linear model of two correlated visits as sufficient statistics.

    Attributes
    ----------
    cross : ndarray, shape (2, 2, p, p)
        Products of the model matrices of the visits.
    moments : ndarray, shape (2, 2, p)
        Products of the model matrix of one visit with the values of the other.
    squares : ndarray, shape (2, 2)
        Products of the values.
    n : int
        Participants.
    prior_mean, prior_sd : ndarray, shape (p,)
        Normal priors of the coefficients: mean at baseline, its differences between arms, time, effects, covariates.
    priors : NuisancePriors
        Priors of SDs and correlation.
    effect : int
        Place of the first effect among the coefficients.
    """

    cross: FloatArray
    moments: FloatArray
    squares: FloatArray
    n: int
    prior_mean: FloatArray
    prior_sd: FloatArray
    priors: NuisancePriors
    effect: int

    def conditional(self, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Integrate the coefficients out.

        Parameters
        ----------
        points : ndarray, shape (m, 3)
            Logarithms of both SDs, and the inverse hyperbolic tangent of the correlation.

        Returns
        -------
        tuple of ndarray
            Logarithm of the marginal density of the points, but for a constant, shape (m,); means, shape (m, p), and
            covariances, shape (m, p, p), of the coefficients given each.
        """
        omega, log_det = _precisions(points)
        precision = np.einsum("mjk,jkpq->mpq", omega, self.cross) + np.diag(self.prior_sd**-2)
        weighted = np.einsum("mjk,jkp->mp", omega, self.moments) + self.prior_mean * self.prior_sd**-2
        covariance = np.linalg.inv(precision)
        means = np.einsum("mpq,mq->mp", covariance, weighted)
        fit = np.einsum("mjk,jk->m", omega, self.squares) - np.einsum("mp,mp->m", weighted, means)
        log_precision = np.linalg.slogdet(precision)[1]
        log_density = -0.5 * (self.n * log_det + fit + log_precision) + self._log_prior(points)
        return log_density, means, covariance

    def _log_prior(self, points: FloatArray) -> FloatArray:
        """Return the log density of the priors on the scale of the points."""
        sds, rho = np.exp(points[:, :2]), np.tanh(points[:, 2])
        scale, eta = self.priors.residual_sd, self.priors.correlation_eta
        of_sds = (stats.halfnorm.logpdf(sds, scale=scale) + points[:, :2]).sum(axis=1)
        return np.asarray(of_sds + stats.beta.logpdf((1 + rho) / 2, eta, eta) + np.log1p(-(rho**2)))


def pair_model(visits: TwoVisits, effect: NormalPrior, priors: NuisancePriors) -> PairModel:
    """Return the model of two visits, with the same prior for the effect of each compared arm."""
    n, k = visits.arms.shape
    q = visits.covariates.shape[1]
    one, none = np.ones((n, 1)), np.zeros((n, 1 + k + q))
    before = np.hstack([one, visits.arms, none])
    after = np.hstack([one, visits.arms, one, visits.arms, visits.covariates])
    designs, values = (before, after), (visits.baseline, visits.follow_up)
    return PairModel(
        cross=np.array([[a.T @ b for b in designs] for a in designs]),
        moments=np.array([[a.T @ y for y in values] for a in designs]),
        squares=np.array([[x @ y for y in values] for x in values]),
        n=n,
        prior_mean=np.array([*[0.0] * (k + 2), *[effect.mean] * k, *[0.0] * q]),
        prior_sd=np.array(
            [
                priors.intercept_sd,
                *[priors.imbalance_sd] * k,
                priors.intercept_sd,
                *[effect.sd] * k,
                *[priors.covariate_sd] * q,
            ]
        ),
        priors=priors,
        effect=2 + k,
    )


def exact_group_time(model: PairModel, arm: int = 0) -> NormalMixture:
    """Return the posterior of the effect of a compared arm.

    Given SDs and correlation the coefficients are normal, in closed form; the other three dimensions are integrated by
    the trapezoidal rule on a grid along the axes of the density at its mode.

    Parameters
    ----------
    model : PairModel
        Data and priors.
    arm : int
        Which of the compared arms.

    Returns
    -------
    NormalMixture
    """
    points = _grid(model)
    log_density, means, covariance = model.conditional(points)
    weights = np.exp(log_density - special.logsumexp(log_density))
    place = model.effect + arm
    return NormalMixture(weights, means[:, place], np.sqrt(covariance[:, place, place]))


def _precisions(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the inverse covariances of a pair, shape (m, 2, 2), and the log determinants of the covariances."""
    first, second = np.exp(points[:, 0]), np.exp(points[:, 1])
    rho = np.tanh(points[:, 2])
    free = 1 - rho**2
    off = -rho / (first * second * free)
    omega = np.array([[1 / (first**2 * free), off], [off, 1 / (second**2 * free)]])
    return np.moveaxis(omega, -1, 0), 2 * (points[:, 0] + points[:, 1]) + np.log(free)


def _grid(model: PairModel) -> FloatArray:
    def minus(point: FloatArray) -> float:
        return -float(model.conditional(np.asarray(point)[None])[0][0])

    start = np.array([0.0, 0.0, 0.5])
    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}
    mode = optimize.minimize(minus, start, method="Nelder-Mead", options=options).x
    axes = np.linalg.cholesky(np.linalg.inv(_curvature(minus, mode)))
    line = np.linspace(-_REACH, _REACH, _NODES)
    return np.asarray(mode + np.array(list(itertools.product(line, repeat=3))) @ axes.T)


def _curvature(function: Any, point: FloatArray) -> FloatArray:
    """Return the matrix of second differences."""
    steps = _STEP * np.eye(3)
    rows = [
        [
            function(point + a + b)
            - function(point + a - b)
            - function(point - a + b)
            + function(point - a - b)
            for b in steps
        ]
        for a in steps
    ]
    return np.array(rows) / (4 * _STEP**2)
