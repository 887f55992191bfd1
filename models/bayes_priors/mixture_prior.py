"""Priors that are mixtures of a few normal distributions: density, update by a normal estimate, effective sample size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from neurotrial.models.bayes_calibration.exact import NormalMixture

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["MixturePrior", "elir", "moment_ess", "posterior_mixture", "robust"]

_LOG_ROOT = 0.5 * np.log(2 * np.pi)
_REACH = 12
"""How many SDs of each component an integral reaches to: the density beyond is below 1e-31 of that at the mean."""

_PANEL_NODES = 12


@dataclass(frozen=True, slots=True)
class MixturePrior(NormalMixture):
    """A prior as a mixture of normal distributions.

    Attributes
    ----------
    weights, means, sds : ndarray, shape (components,)
        Weights are not negative and sum to 1, SDs are above 0; means and SDs in baseline SDs.
    """

    def logs(self, values: FloatArray) -> FloatArray:
        """Return the log of weight times density of each component, shape (..., components)."""
        scores = (np.asarray(values)[..., None] - self.means) / self.sds
        # a weight of 0 has a logarithm too small to count
        with np.errstate(divide="ignore"):
            constants = np.log(self.weights) - np.log(self.sds) - _LOG_ROOT
        return np.asarray(constants - 0.5 * scores**2)

    def logpdf(self, values: FloatArray) -> FloatArray:
        """Return the log density at values, the same shape."""
        return np.asarray(special.logsumexp(self.logs(values), axis=-1))

    def pdf(self, values: FloatArray) -> FloatArray:
        """Return the density at values, the same shape."""
        return np.asarray(np.exp(self.logpdf(values)))

    def score(self, values: FloatArray) -> FloatArray:
        """Return the derivative of the log density at values, the same shape."""
        shares = special.softmax(self.logs(values), axis=-1)
        return np.asarray((shares * (self.means - np.asarray(values)[..., None]) / self.sds**2).sum(axis=-1))

    def draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw values, shape (size,)."""
        chosen = rng.choice(len(self.weights), size, p=self.weights)
        return np.asarray(rng.normal(self.means[chosen], self.sds[chosen]))


def posterior_mixture(prior: MixturePrior, estimate: float, std_error: float) -> MixturePrior:
    """Return the posterior given a normal estimate with known standard error.

    Each component is updated on its own; its weight grows with the density it gave to the estimate, so that with a
    conflict between prior and data the vague component of a robust prior takes over.

    Parameters
    ----------
    prior : MixturePrior
        The prior.
    estimate, std_error : float
        The estimate and its standard error, above 0, in the unit of the prior.

    Returns
    -------
    MixturePrior
        As many components as the prior.

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032. https://doi.org/10.1111/biom.12242
    """
    seen = MixturePrior(prior.weights, prior.means, np.hypot(prior.sds, std_error))
    precision = 1 / prior.sds**2 + 1 / std_error**2
    means = (prior.means / prior.sds**2 + estimate / std_error**2) / precision
    return MixturePrior(
        np.asarray(special.softmax(seen.logs(np.asarray(estimate)))), means, 1 / np.sqrt(precision)
    )


def robust(informative: MixturePrior, weight: float, *, vague_mean: float, vague_sd: float) -> MixturePrior:
    """Return a mixture of an informative prior with a vague normal one, which stands last.

    Parameters
    ----------
    informative : MixturePrior
        From published data.
    weight : float
        Of the informative prior, in (0, 1]; 1 returns it as it is.
    vague_mean, vague_sd : float
        The vague component; SD above 0.

    Returns
    -------
    MixturePrior

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032. https://doi.org/10.1111/biom.12242
    """
    if weight == 1:
        return informative
    return MixturePrior(
        np.append(weight * informative.weights, 1 - weight),
        np.append(informative.means, vague_mean),
        np.append(informative.sds, vague_sd),
    )


def elir(prior: MixturePrior, sd: float) -> float:
    """Return the effective sample size of a prior of a mean by the expected local information ratio.

    The information of the prior, the expected squared derivative of its log density, over that of one participant. Of a
    normal prior it is the variance of a participant over that of the prior; n participants add n to it on average.

    Parameters
    ----------
    prior : MixturePrior
        Prior of a mean.
    sd : float
        SD of one participant, above 0, in the unit of the prior.

    Returns
    -------
    float
        Participants.

    References
    ----------
    Neuenschwander B et al. Biometrics 2020;76:578-587. https://doi.org/10.1111/biom.13252
    """
    points, lengths = _panels(prior)
    return float(sd**2 * (lengths * prior.pdf(points) * prior.score(points) ** 2).sum())


def moment_ess(prior: MixturePrior, sd: float) -> float:
    """Return the effective sample size of a normal prior with the same variance; `sd` as in `elir`."""
    return sd**2 / prior.sd**2


def _panels(prior: MixturePrior) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of Gauss-Legendre rules between whole SDs of every component."""
    steps = np.arange(-_REACH, _REACH + 1)
    edges = np.unique(prior.means[:, None] + prior.sds[:, None] * steps)
    nodes, weights = np.polynomial.legendre.leggauss(_PANEL_NODES)
    halves = np.diff(edges)[:, None] / 2
    points = edges[:-1, None] + halves * (nodes + 1)
    return points.ravel(), (halves * weights).ravel()
