"""A model of the protocol whose posterior can be drawn from exactly, and samplers that are right or wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from neurotrial.models.bayes.model import Observed, Target
from neurotrial.models.bayes_calibration.conjugate import NormalInverseGamma, conjugate_posterior
from neurotrial.models.bayes_calibration.simulation_based import Fitted


@dataclass(frozen=True, eq=False)
class ConjugateModel:
    """A Gaussian linear model with a normal-inverse-gamma prior; one value of a participant may be missing."""

    values: np.ndarray
    design: np.ndarray
    prior: NormalInverseGamma

    kind = "conjugate"

    @property
    def shape(self):
        return self.design.shape[1]

    @property
    def observed(self):
        n = len(self.values)
        names = tuple(str(i) for i in range(n))
        arms = tuple("cells" if arm else "control" for arm in self.design[:, 1])
        return Observed(self.values[:, None], ("day90",), names, arms, (None,))

    @property
    def seen(self):
        return np.isfinite(self.values)

    def data(self):
        return {"values": np.nan_to_num(self.values), "design": self.design, "mean": self.prior.mean}

    def draw_prior(self, rng, size):
        coefficients, sigma = self.prior.draw(rng, size)
        return {"coefficients": coefficients, "sigma": sigma}

    def log_likelihood(self, parameters):
        means = parameters["coefficients"] @ self.design[self.seen].T
        z = (self.values[self.seen] - means) / parameters["sigma"][:, None]
        return -0.5 * (z**2 + np.log(2 * np.pi)) - np.log(parameters["sigma"])[:, None]

    def replicate(self, parameters, rng):
        means = parameters["coefficients"] @ self.design.T
        drawn = means + parameters["sigma"][:, None] * rng.normal(size=means.shape)
        return np.where(self.seen, drawn, np.nan)[:, :, None]

    def with_values(self, values):
        return replace(self, values=values[:, 0])

    def targets(self, parameters):
        effect = 10 * parameters["coefficients"][:, 1]
        chance = special.ndtr(parameters["coefficients"][:, 1] / parameters["sigma"])
        return [
            Target(effect, "arm", "cells - control", "day90"),
            Target(chance, "contrast", "superiority", "day90"),
        ]

    def posterior(self):
        return conjugate_posterior(self.values[self.seen], self.design[self.seen], self.prior)


def conjugate_model(n=20, seed=1):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), np.arange(n) < 2 * n // 3, rng.normal(size=n)]).astype(float)
    values = np.zeros(n)
    values[3] = np.nan
    return ConjugateModel(
        values, design, NormalInverseGamma(np.array([0, 0.3, 0.5]), np.diag([1.0, 2.0, 3.0]), 3.0, 2.0)
    )


@dataclass(frozen=True)
class ExactSampling:
    """Exact draws; with `spread` other than 1 or a `shift` in posterior SDs they are wrong in the effect."""

    spread: float = 1.0
    shift: float = 0.0
    draws: int = 99
    chains: int = 1
    diverging: int = 0

    def __call__(self, model, seed):
        posterior = model.posterior()
        coefficients, sigma = posterior.draw(np.random.default_rng(seed), self.draws * self.chains)
        mean = posterior.mean[1]
        sd = np.sqrt(posterior.scale / (posterior.shape - 1) * np.linalg.inv(posterior.precision)[1, 1])
        coefficients[:, 1] = mean + self.spread * (coefficients[:, 1] - mean) + self.shift * sd
        size = (self.chains, self.draws)
        parameters = {"coefficients": coefficients.reshape(*size, -1), "sigma": sigma.reshape(size)}
        return Fitted(parameters, self.diverging if seed % 2 else 0, independent=self.chains == 1)
