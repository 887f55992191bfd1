"""Coefficients with independent normal priors, turned so that a sampler meets them without correlation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["CoefficientPrior", "Turned", "turned"]


@dataclass(frozen=True, slots=True)
class CoefficientPrior:
    """Independent normal priors of linear functions of coefficients.

    Attributes
    ----------
    mean, sd : ndarray, shape (p,)
        Of each function; every SD is above 0.
    functions : ndarray, shape (p, p)
        Weights of the functions on the coefficients, invertible; the coefficients themselves are the unit matrix.
    """

    mean: FloatArray
    sd: FloatArray
    functions: FloatArray

    @property
    def location(self) -> FloatArray:
        """Prior mean of the coefficients, shape (p,)."""
        return np.asarray(np.linalg.solve(self.functions, self.mean))

    @property
    def root(self) -> FloatArray:
        """Root of the prior covariance of the coefficients, shape (p, p): coefficients are location + root @ z."""
        return np.asarray(np.linalg.solve(self.functions, np.diag(self.sd)))

    def draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw coefficients, shape (size, p)."""
        return np.asarray(self.location + rng.normal(size=(size, len(self.mean))) @ self.root.T)

    def standardised(self, coefficients: FloatArray) -> FloatArray:
        """Return the functions of coefficients less their means, over their SDs, shape (..., p)."""
        return np.asarray((coefficients @ self.functions.T - self.mean) / self.sd)

    def shifted(self, place: int, mean: float, sd: float) -> CoefficientPrior:
        """Return the priors with another one of a function."""
        means, sds = self.mean.copy(), self.sd.copy()
        means[place], sds[place] = mean, sd
        return replace(self, mean=means, sd=sds)


@dataclass(frozen=True, slots=True)
class Turned:
    """Coefficients as location + root @ z, where z has independent standard normal priors.

    Attributes
    ----------
    location : ndarray, shape (p,)
        Prior mean.
    root : ndarray, shape (p, p)
        Times its transpose it is the prior covariance.
    """

    location: FloatArray
    root: FloatArray

    def coefficients(self, z: FloatArray) -> FloatArray:
        """Return coefficients from z, shape (..., p)."""
        return np.asarray(self.location + z @ self.root.T)


def turned(prior: CoefficientPrior, information: FloatArray) -> Turned:
    """Return the root of the prior under which z is nearly uncorrelated in the posterior.

    A rotation of z leaves its prior, and with it the model, as it is; along the axes of the information about z a
    sampler that learns one step size for each coordinate needs few steps.

    Parameters
    ----------
    prior : CoefficientPrior
        Priors of the coefficients.
    information : ndarray, shape (p, p)
        Of the likelihood about the coefficients, as a rough guess; any symmetric matrix gives the same posterior.

    Returns
    -------
    Turned
        Location and root.
    """
    root = prior.root
    axes = linalg.eigh(root.T @ information @ root)[1]
    return Turned(prior.location, np.asarray(root @ axes))
