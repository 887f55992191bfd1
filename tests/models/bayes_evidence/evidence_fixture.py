"""A model of two visits with known covariance: posterior, predictions and power-scaling are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from neurotrial.models.bayes.model import Observed, Target

RESIDUAL = np.array([[1.0, 0.5], [0.5, 1.5]])
"""Covariance of the two visits of a participant, but for a scale."""

PRIOR_MEAN = (0.5, 0.0, 0.2)
PRIOR_SD = (2.0, 2.0, 1.0)
"""Of the mean at each visit, and of the effect of the arm at the second."""


@dataclass(frozen=True)
class NormalModel:
    """Implements `neurotrial.models.bayes.model.BayesModel`; powers raise prior and likelihood for the closed form."""

    observed: Observed
    prior_mean: tuple[float, ...] = PRIOR_MEAN
    prior_sd: tuple[float, ...] = PRIOR_SD
    scale: float = 1.0
    kind: str = "normal"

    @property
    def residual(self):
        return RESIDUAL * self.scale**2

    @property
    def shape(self):
        return self.observed.values.shape

    @property
    def design(self):
        """Shape (n, 2, 3)."""
        treated = np.array([arm == "cells" for arm in self.observed.arms], dtype=float)
        design = np.zeros((len(treated), 2, 3))
        design[:, 0, 0] = design[:, 1, 1] = 1
        design[:, 1, 2] = treated
        return design

    def seen(self, row):
        """Values, design and covariance of what was observed of a participant."""
        there = ~np.isnan(self.observed.values[row])
        return (
            self.observed.values[row][there],
            self.design[row][there],
            self.residual[np.ix_(there, there)],
        )

    def exact(self, prior_powers=(1.0, 1.0, 1.0), likelihood_power=1.0):
        """Mean and covariance of the posterior."""
        precision = np.diag(np.asarray(prior_powers) / np.square(self.prior_sd))
        weighted = precision @ self.prior_mean
        for row in range(len(self.observed.values)):
            values, design, covariance = self.seen(row)
            information = likelihood_power * design.T @ np.linalg.inv(covariance)
            precision = precision + information @ design
            weighted = weighted + information @ values
        covariance = np.linalg.inv(precision)
        return covariance @ weighted, covariance

    def exact_draws(self, rng, size):
        mean, covariance = self.exact()
        return self.named(rng.multivariate_normal(mean, covariance, size))

    def exact_elpd(self, row):
        """Log predictive density of a participant given the others."""
        mean, covariance = self.without([row]).exact()
        values, design, noise = self.seen(row)
        return stats.multivariate_normal.logpdf(values, design @ mean, design @ covariance @ design.T + noise)

    def exact_pit(self, row, column):
        mean, covariance = self.without([row]).exact()
        at = self.design[row, column]
        sd = np.sqrt(at @ covariance @ at + self.residual[column, column])
        return stats.norm.cdf(self.observed.values[row, column], at @ mean, sd)

    @staticmethod
    def named(coefficients):
        return {"mean": coefficients[..., :2], "effect": coefficients[..., 2]}

    @staticmethod
    def stacked(parameters):
        return np.concatenate([parameters["mean"], parameters["effect"][..., None]], axis=-1)

    def draw_prior(self, rng, size):
        return self.named(self.prior_mean + rng.normal(size=(size, 3)) * self.prior_sd)

    def log_prior(self, parameters):
        each = stats.norm.logpdf(self.stacked(parameters), self.prior_mean, self.prior_sd)
        return {"effect": each[:, 2], "others": each[:, :2].sum(axis=1)}

    def log_likelihood(self, parameters):
        coefficients = self.stacked(parameters)
        logs = np.zeros((len(coefficients), len(self.observed.values)))
        for row in range(logs.shape[1]):
            values, design, covariance = self.seen(row)
            if len(values):
                residuals = values - coefficients @ design.T
                logs[:, row] = stats.multivariate_normal.logpdf(residuals, np.zeros(len(values)), covariance)
        return logs

    def replicate(self, parameters, rng):
        mean = np.einsum("ncp,dp->dnc", self.design, self.stacked(parameters))
        noise = rng.normal(size=mean.shape) @ np.linalg.cholesky(self.residual).T
        return np.where(np.isnan(self.observed.values), np.nan, mean + noise)

    def without(self, participants):
        kept = [row for row in range(len(self.observed.values)) if row not in set(participants)]
        return replace(
            self,
            observed=replace(
                self.observed,
                values=self.observed.values[kept],
                participants=tuple(self.observed.participants[row] for row in kept),
                arms=tuple(self.observed.arms[row] for row in kept),
            ),
        )

    def with_values(self, values):
        return replace(self, observed=replace(self.observed, values=values))

    def targets(self, parameters):
        means = parameters["mean"]
        change = Target(means[:, 1] - means[:, 0], "within_arm", "day90 - baseline @ control")
        return [Target(parameters["effect"], "arm", "cells - control", visit="day90", scale=10.0), change]


def normal_model(n=44, seed=1, *, missing=True, bounds=(-4.0, 6.0)):
    """A trial drawn from the model at its prior mean."""
    rng = np.random.default_rng(seed)
    arms = tuple("control" if row % 3 == 0 else "cells" for row in range(n))
    names = tuple(f"sub-{row:02d}" for row in range(n))
    empty = Observed(np.zeros((n, 2)), ("baseline", "day90"), names, arms, (bounds, None))
    model = NormalModel(empty)
    values = model.replicate(model.named(np.array([PRIOR_MEAN])), rng)[0]
    if missing:
        values[3, 1] = values[7, 0] = np.nan
    return model.with_values(values)


def chained(parameters, chains=4):
    """Draws of several chains, shape (chains, draws, ...)."""
    return {name: values.reshape(chains, -1, *values.shape[1:]) for name, values in parameters.items()}


def statistics(shape=(4, 1000), diverging=0, seed=9):
    """What an untroubled sampler tells of its transitions."""
    energy = np.random.default_rng(seed).normal(size=shape)
    flags = np.zeros(shape, dtype=bool)
    flags.ravel()[:diverging] = True
    return {"energy": energy, "diverging": flags, "depth_reached": np.zeros(shape, dtype=bool)}


def exact_refit(size=4000):
    """A fit of a model by exact draws, with a list of the sizes of those fitted."""
    fitted = []

    def refit(model, seed):
        fitted.append(len(model.observed.values))
        return model.exact_draws(np.random.default_rng(seed), size)

    return refit, fitted
