"""The meta-analytic-predictive prior of a new trial's mean, by quadrature, and a few normals in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from neurotrial.models.bayes_priors.mixture_prior import MixturePrior

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["Approximation", "BetweenTrials", "approximated", "between_trials", "map_prior"]

_TAU_NODES, _TAU_REACH = 128, 8.0
"""Nodes of the integral over tau; the half-normal prior has 1e-15 of its probability beyond 8 of its scales."""

_POINTS, _REACH = 1001, 60.0
"""Of the integral over the mean: how many, and how many SDs to either side; the tails are those of a scale mixture."""

_ENOUGH = 1e-4
"""Kullback-Leibler divergence from which on no further component is taken: 10,000 draws would hardly tell the two apart."""

_STEPS, _STILL = 1000, 1e-8
_SPREADS = {1: (1.0,), 2: (0.6, 1.6), 3: (0.4, 1.0, 2.5)}
"""Where the fit starts: SDs of its components over that of all, about one mean."""


@dataclass(frozen=True, slots=True)
class BetweenTrials:
    """Posterior of a normal-normal hierarchical model of trials' means on a grid of the SD between trials.

    Attributes
    ----------
    tau : ndarray, shape (nodes,)
        SD between trials.
    weights : ndarray, shape (nodes,)
        Its posterior probability, which sums to 1.
    centre, variance : ndarray, shape (nodes,)
        Posterior mean and variance of the mean of all trials, given tau.
    """

    tau: FloatArray
    weights: FloatArray
    centre: FloatArray
    variance: FloatArray


@dataclass(frozen=True, slots=True)
class Approximation:
    """A few normals in the place of many.

    Attributes
    ----------
    mixture : MixturePrior
        With the same mean and SD.
    divergence : float
        Kullback-Leibler divergence of the approximation from what it stands for.
    cdf_error : float
        Largest difference of the two distribution functions.
    """

    mixture: MixturePrior
    divergence: float
    cdf_error: float


def between_trials(
    means: FloatArray, std_errors: FloatArray, *, tau_scale: float, mean_sd: float = np.inf
) -> BetweenTrials:
    """Return the posterior of the SD between trials, and of the mean of all trials given it.

    Each trial's mean is normal about its own true mean, with known standard error; true means are normal about the mean
    of all with SD tau; tau has a half-normal prior, the mean of all a normal one centred on 0.

    Parameters
    ----------
    means, std_errors : ndarray, shape (trials,)
        At least one trial; standard errors above 0.
    tau_scale : float
        Scale of the half-normal prior, above 0, in the unit of the means.
    mean_sd : float
        SD of the prior of the mean of all; infinite for a flat one.

    Returns
    -------
    BetweenTrials

    References
    ----------
    Neuenschwander B et al. Clin Trials 2010;7:5-18. https://doi.org/10.1177/1740774509356002
    """
    nodes, lengths = np.polynomial.legendre.leggauss(_TAU_NODES)
    # squares put nodes close together near 0, where standard errors of large trials are
    root = (nodes + 1) / 2
    tau = _TAU_REACH * tau_scale * root**2
    each = std_errors**2 + tau[:, None] ** 2
    precision = (1 / each).sum(axis=1) + mean_sd**-2
    centre = (means / each).sum(axis=1) / precision
    squares = ((means - centre[:, None]) ** 2 / each).sum(axis=1) + (centre / mean_sd) ** 2
    logs = -0.5 * (np.log(each).sum(axis=1) + np.log(precision) + squares + (tau / tau_scale) ** 2)
    weights = special.softmax(logs + np.log(lengths * root))
    return BetweenTrials(tau, np.asarray(weights), centre, 1 / precision)


def map_prior(
    means: FloatArray, std_errors: FloatArray, *, tau_scale: float = 0.5, mean_sd: float = np.inf
) -> MixturePrior:
    """Return the meta-analytic-predictive prior: the distribution of the true mean of one more trial.

    Parameters
    ----------
    means, std_errors, tau_scale, mean_sd
        As in `between_trials`.

    Returns
    -------
    MixturePrior
        One component for each node of tau; `approximated` makes few of them.

    References
    ----------
    Neuenschwander B et al. Clin Trials 2010;7:5-18. https://doi.org/10.1177/1740774509356002
    Schmidli H et al. Biometrics 2014;70:1023-1032. https://doi.org/10.1111/biom.12242
    """
    found = between_trials(means, std_errors, tau_scale=tau_scale, mean_sd=mean_sd)
    return MixturePrior(found.weights, found.centre, np.sqrt(found.variance + found.tau**2))


def approximated(exact: MixturePrior, components: int = 3) -> Approximation:
    """Return few normals in the place of many: those of least Kullback-Leibler divergence, by expectation-maximisation.

    Parameters
    ----------
    exact : MixturePrior
        Any number of components.
    components : {1, 2, 3}
        At most so many; fewer where they do.

    Returns
    -------
    Approximation
    """
    points, shares = _points(exact)
    truth = exact.logpdf(points)
    for count in range(1, components + 1):
        mixture = _fitted(points, shares, _start(exact, count))
        # a divergence is not negative; rounding may be
        divergence = max(0.0, float(shares @ (truth - mixture.logpdf(points))))
        if divergence < _ENOUGH:
            break
    return Approximation(mixture, divergence, _cdf_error(exact, mixture, points))


def _points(exact: MixturePrior) -> tuple[FloatArray, FloatArray]:
    """Return values and their probabilities: the trapezoidal rule, close about the mean and wide in the tails."""
    steps = np.linspace(-1, 1, _POINTS) * np.arcsinh(_REACH)
    points = exact.mean + exact.sd * np.sinh(steps)
    return points, np.asarray(special.softmax(exact.logpdf(points) + np.log(np.cosh(steps))))


def _start(exact: MixturePrior, count: int) -> MixturePrior:
    spreads = np.array(_SPREADS[count])
    return MixturePrior(np.full(count, 1 / count), np.full(count, exact.mean), exact.sd * spreads)


def _fitted(points: FloatArray, shares: FloatArray, mixture: MixturePrior) -> MixturePrior:
    """Return the normals that expectation-maximisation ends with."""
    last = -np.inf
    for _ in range(_STEPS):
        logs = mixture.logs(points)
        total = special.logsumexp(logs, axis=1)
        fit = float(shares @ total)
        if fit - last < _STILL:
            break
        last = fit
        owned = shares[:, None] * np.exp(logs - total[:, None])
        weights = owned.sum(axis=0)
        means = points @ owned / weights
        squares = (owned * (points[:, None] - means) ** 2).sum(axis=0)
        mixture = MixturePrior(weights / weights.sum(), means, np.sqrt(squares / weights))
    return mixture


def _cdf_error(exact: MixturePrior, mixture: MixturePrior, points: FloatArray) -> float:
    return float(max(abs(exact.cdf(point) - mixture.cdf(point)) for point in points))
