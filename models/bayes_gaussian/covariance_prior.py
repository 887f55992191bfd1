"""Priors of a covariance: half-normal standard deviations, an LKJ correlation, and the weight of the tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters

__all__ = ["CovariancePrior", "concentrations"]

FEWEST_DOF = 2.0
"""Degrees of freedom above which a Student distribution has a standard deviation."""


def concentrations(n_values: int, eta: float) -> FloatArray:
    """Return the parameters of the symmetric beta priors of canonical partial correlations that make an LKJ prior.

    Parameters
    ----------
    n_values : int
        Size of the correlation matrix.
    eta : float
        Of LKJ, above 0; 1 is uniform over correlation matrices, more favours the unit matrix.

    Returns
    -------
    ndarray, shape (n_values * (n_values - 1) / 2,)
        By rows of the lower triangle.

    References
    ----------
    Lewandowski D, Kurowicka D, Joe H. J Multivar Anal 2009;100:1989-2001. https://doi.org/10.1016/j.jmva.2009.04.008
    """
    return np.array(
        [eta + (n_values - 2 - j) / 2 for i in range(n_values) for j in range(i)], dtype="float64"
    )


@dataclass(frozen=True, slots=True)
class CovariancePrior:
    """Priors of standard deviations, correlations and tails.

    Attributes
    ----------
    sd : ndarray, shape (T,)
        Scales of the half-normal priors.
    eta : float
        LKJ parameter.
    tail : tuple of float or None
        Shape and rate of the gamma prior of the degrees of freedom above 2; None for normal residuals.
    """

    sd: FloatArray
    eta: float
    tail: tuple[float, float] | None = None

    @property
    def concentrations(self) -> FloatArray:
        """Parameters of the beta priors of the canonical partial correlations."""
        return concentrations(len(self.sd), self.eta)

    def draw(self, rng: np.random.Generator, size: int) -> dict[str, FloatArray]:
        """Draw ``sd``, ``partial`` and, where tails are heavy, ``dof``."""
        found = {"sd": np.abs(rng.normal(size=(size, len(self.sd)))) * self.sd}
        both = self.concentrations
        found["partial"] = (
            2 * rng.beta(both, both, (size, len(both))) - 1 if len(both) else np.empty((size, 0))
        )
        if self.tail:
            found["dof"] = FEWEST_DOF + rng.gamma(self.tail[0], 1 / self.tail[1], (size, 1))
        return found

    def log_density(self, parameters: Parameters) -> FloatArray:
        """Return the log prior density, shape (draws,), but for a constant."""
        both = self.concentrations
        total = -0.5 * ((parameters["sd"] / self.sd) ** 2).sum(axis=1)
        total += ((both - 1) * np.log1p(-(parameters["partial"] ** 2))).sum(axis=1)
        if self.tail:
            shape, rate = self.tail
            total += stats.gamma.logpdf(parameters["dof"][:, 0] - FEWEST_DOF, shape, scale=1 / rate)
        return np.asarray(total)
