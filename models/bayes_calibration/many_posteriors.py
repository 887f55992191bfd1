"""Exact posteriors of many trials of the same sizes at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from neurotrial.models.bayes.standardised import TwoVisits
from neurotrial.models.bayes_calibration.exact_group_time import pair_model

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NormalPrior, NuisancePriors
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_calibration.exact_group_time import PairModel
    from neurotrial.models.bayes_calibration.uniformity import IntArray

__all__ = ["Mixtures", "ancova_mixtures", "group_time_mixtures"]

_COARSE, _FINE, _REACH = 61, 65, 10.0
"""Nodes of log sigma about a guess, then about the mean that they give, out to so many SDs."""

_NEWTON = 12


@dataclass(frozen=True, slots=True)
class Mixtures:
    """Posteriors of one effect in many trials, each a mixture of normal distributions.

    Attributes
    ----------
    weights, means, sds : ndarray, shape (n_trials, nodes)
        Weights sum to 1 in each trial.
    """

    weights: FloatArray
    means: FloatArray
    sds: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Posterior means, shape (n_trials,)."""
        return np.asarray((self.weights * self.means).sum(axis=1))

    @property
    def sd(self) -> FloatArray:
        """Posterior standard deviations, shape (n_trials,)."""
        square = self.sds**2 + (self.means - self.mean[:, None]) ** 2
        return np.asarray(np.sqrt((self.weights * square).sum(axis=1)))

    def cdf(self, values: FloatArray) -> FloatArray:
        """Return the posterior probability of at most a value, one for each trial."""
        return np.asarray((self.weights * special.ndtr(self._standardised(values))).sum(axis=1))

    def quantile(self, probability: float) -> FloatArray:
        """Return the values that the effects are below with a probability in (0, 1), by Newton's method."""
        centre, reach = self.mean, 12 * self.sd
        values = centre + special.ndtri(probability) * self.sd
        for _ in range(_NEWTON):
            density = np.exp(-0.5 * self._standardised(values) ** 2) / (np.sqrt(2 * np.pi) * self.sds)
            step = (self.cdf(values) - probability) / (self.weights * density).sum(axis=1)
            values = np.clip(values - step, centre - reach, centre + reach)
        return np.asarray(values)

    def _standardised(self, values: FloatArray) -> FloatArray:
        return np.asarray((values[:, None] - self.means) / self.sds)


def ancova_mixtures(
    baseline: FloatArray,
    follow_up: FloatArray,
    treated: IntArray,
    effect: NormalPrior,
    priors: NuisancePriors,
) -> Mixtures:
    """Return what `neurotrial.models.bayes_calibration.exact.exact_ancova` gives for each of many trials of two arms.

    Parameters
    ----------
    baseline, follow_up : ndarray, shape (n_trials, n)
        Standardised values, none missing.
    treated : ndarray of int, shape (n,)
        1 for the compared arm.
    effect : NormalPrior
        Prior of the effect.
    priors : NuisancePriors
        Priors of everything else.

    Returns
    -------
    Mixtures
        Of the effect.
    """
    means = np.array([0.0, priors.slope.mean, effect.mean])
    sds = np.array([priors.intercept_sd, priors.slope.sd, effect.sd])
    ones, arm = np.ones_like(baseline), np.broadcast_to(treated.astype("float64"), baseline.shape)
    design = np.stack([ones, baseline, arm], axis=2)
    centred = follow_up - design @ means
    scaled = design * sds
    values, axes = np.linalg.eigh(np.swapaxes(scaled, 1, 2) @ scaled)
    projected = np.einsum("tnp,tn->tp", scaled @ axes, centred) / np.sqrt(values)
    outside = (centred**2).sum(axis=1) - (projected**2).sum(axis=1)
    n, rest = baseline.shape[1], baseline.shape[1] - len(means)

    def log_density(grid: FloatArray) -> FloatArray:
        sigma2 = np.exp(2 * grid)
        inside = values[:, None, :] + sigma2[:, :, None]
        likelihood = (np.log(inside) + projected[:, None, :] ** 2 / inside).sum(axis=2)
        likelihood += rest * np.log(sigma2) + outside[:, None] / sigma2
        return np.asarray(-0.5 * likelihood - 0.5 * sigma2 / priors.residual_sd**2 + grid)

    grid = _grid(log_density, outside / n, outside / n + (projected**2).sum(axis=1) / n, n)
    weights = _weights(log_density(grid))
    inside = values[:, None, :] + np.exp(2 * grid)[:, :, None]
    direction = axes[:, -1, :] * sds[-1]
    means_ = effect.mean + np.einsum(
        "tgp,tp->tg", np.sqrt(values)[:, None] * projected[:, None] / inside, direction
    )
    variances = np.exp(2 * grid) * np.einsum("tgp,tp->tg", 1 / inside, direction**2)
    return Mixtures(weights, means_, np.sqrt(variances))


def group_time_mixtures(
    baseline: FloatArray,
    follow_up: FloatArray,
    treated: IntArray,
    effect: NormalPrior,
    priors: NuisancePriors,
) -> Mixtures:
    """Return what `neurotrial.models.bayes_calibration.exact_group_time.exact_group_time` gives for each of many trials.

    The nodes are fewer: coarse lattices, the first about the sample's covariance, find where the posterior is, a ball of
    a finer one about it is summed over. Probabilities and standardised limits are right to 1e-4, where the prior is not
    far from the data to 1e-5.

    Parameters
    ----------
    baseline, follow_up, treated, effect, priors
        As `ancova_mixtures`.

    Returns
    -------
    Mixtures
        Of the effect.
    """
    arm, nothing = treated.astype("float64")[:, None], np.empty((len(treated), 0))
    trials = zip(baseline, follow_up, strict=True)
    each = [
        _pair(pair_model(TwoVisits(*pair, arm, nothing), effect, priors), *pair, arm[:, 0]) for pair in trials
    ]
    return Mixtures(*(np.array(part) for part in zip(*each, strict=True)))


def _grid(log_density: Any, least: FloatArray, most: FloatArray, n: int) -> FloatArray:
    """Return nodes of log sigma for each trial, shape (n_trials, nodes), about the mean of its density."""
    low, high = 0.5 * np.log(least) - 1, 0.5 * np.log(most) + 1
    coarse = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _COARSE)
    weights = _weights(log_density(coarse))
    centre = (weights * coarse).sum(axis=1)
    spread = np.sqrt((weights * (coarse - centre[:, None]) ** 2).sum(axis=1))
    # of a residual SD on n degrees of freedom at least
    spread = np.maximum(spread, 1 / np.sqrt(2 * n))
    return np.asarray(centre[:, None] + spread[:, None] * np.linspace(-_REACH, _REACH, _FINE))


def _weights(logs: FloatArray) -> FloatArray:
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _ball(step: float, radius: float) -> FloatArray:
    """Return the nodes of a cubic lattice in a ball, shape (nodes, 3)."""
    line = np.arange(-int(radius / step), int(radius / step) + 1) * step
    cube = np.array(list(itertools.product(line, repeat=3)))
    return np.asarray(cube[(cube**2).sum(axis=1) <= radius**2])


_SEARCH, _SUM = _ball(1.5, 4.6), _ball(1.1, 5.8)
_SEARCHES, _KEPT = 3, 0.01


def _pair(model: PairModel, before: FloatArray, after: FloatArray, arm: FloatArray) -> tuple[FloatArray, ...]:
    centre, covariance = _sample_moments(before, after, arm)
    for _ in range(_SEARCHES):
        centre, covariance = _moments(model, centre + _SEARCH @ np.linalg.cholesky(covariance).T)
    logs, means, covariances = model.conditional(centre + _SUM @ np.linalg.cholesky(covariance).T)
    place = model.effect
    return _weights(logs), means[:, place], np.sqrt(covariances[:, place, place])


def _moments(model: PairModel, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and covariance of the points under their density; the covariance keeps a little of its spread."""
    weights = _weights(model.conditional(points)[0])
    centre = weights @ points
    away = points - centre
    return centre, (away * weights[:, None]).T @ away + _KEPT * np.cov(points.T)


def _sample_moments(before: FloatArray, after: FloatArray, arm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log SDs and transformed correlation of a sample, and their covariance in large samples."""
    pair = np.array([before, after])
    within = (
        pair - np.array([[own[arm == label].mean() for label in (0, 1)] for own in pair])[:, arm.astype(int)]
    )
    df = len(arm) - 2
    variances = within @ within.T / df
    rho = variances[0, 1] / np.sqrt(variances[0, 0] * variances[1, 1])
    centre = np.array([*0.5 * np.log(np.diag(variances)), np.arctanh(rho)])
    large = np.array([[1, rho**2, rho], [rho**2, 1, rho], [rho, rho, 2]]) / (2 * df)
    return centre, large
