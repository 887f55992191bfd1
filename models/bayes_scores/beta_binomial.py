"""Bayesian beta-binomial regression: a score as points won out of those there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from neurotrial.models.bayes_scores.beta_binomial_likelihood import log_likelihoods, value_and_gradient
from neurotrial.models.bayes_scores.bounded_draws import drawn_points
from neurotrial.models.bayes_scores.log_odds_regression import LogOddsRegression

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters
    from neurotrial.models.bayes_scores.bounded_data import IntArray

__all__ = ["BetaBinomial"]


@dataclass(frozen=True, slots=True)
class BetaBinomial(LogOddsRegression):
    """Follow-up points are beta-binomial, with mean on the logit scale and precision phi.

    Named parameters: ``coefficients``, shape (draws, p): reference mean, slope of the standardised baseline, arm
    effects, covariates; ``phi``, shape (draws,).

    References
    ----------
    Najera-Zuloaga J, Lee DJ, Arostegui I. Biom J 2019;61:600-615. https://doi.org/10.1002/bimj.201700251
    """

    @property
    def kind(self) -> str:
        """Slug of the model."""
        return "bayes_beta_binomial"

    @property
    def likelihood(self) -> Callable[..., tuple[FloatArray, FloatArray, FloatArray]]:
        """The compiled likelihood."""
        return value_and_gradient

    @property
    def values(self) -> dict[str, FloatArray]:
        """The points, and the most there are."""
        points = self.scores.follow_up - self.scores.bounds[0]
        return {"points": points, "size": np.array([self.scores.width])}

    def named(self, shares: FloatArray) -> dict[str, FloatArray]:
        """Return phi."""
        return {"phi": 1 / shares[:, 0] - 1}

    def shares(self, parameters: Parameters) -> FloatArray:
        """Return 1 / (1 + phi)."""
        return np.asarray(1 / (1 + parameters["phi"]))[:, None]

    def expected(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the expected scores if the arms were `codes`."""
        mean = special.expit(self.log_odds(parameters, codes))
        return np.asarray(self.scores.bounds[0] + self.scores.width * mean)

    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log probability of each participant's score, shape (draws, n)."""
        eta = self.log_odds(parameters, self.scores.codes)
        return np.asarray(log_likelihoods(eta, self.shares(parameters), *self.values.values()))

    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new scores, shape (draws, n, 1)."""
        eta = self.log_odds(parameters, self.scores.codes)
        points = drawn_points(special.expit(eta), parameters["phi"], self.scores.width, rng)
        return (self.scores.bounds[0] + points)[:, :, None]
