"""Bayesian ordered beta regression: a score with a floor, a ceiling, and any number between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from neurotrial.models.bayes_scores.bounded_draws import drawn_shares
from neurotrial.models.bayes_scores.log_odds_regression import LogOddsRegression
from neurotrial.models.bayes_scores.ordered_beta_likelihood import log_likelihoods, value_and_gradient

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters
    from neurotrial.models.bayes_scores.bounded_data import IntArray

__all__ = ["OrderedBeta"]

_BETWEEN = 1e-12
"""A replicate between the ends stays this share of the scale away from them, or rounding would put it on one."""


@dataclass(frozen=True, slots=True)
class OrderedBeta(LogOddsRegression):
    """Follow-up scores are at the floor, at the ceiling, or beta distributed between them, on one scale of log odds.

    Named parameters: ``coefficients``, shape (draws, p): reference mean, slope of the standardised baseline, arm
    effects, covariates; ``phi``, shape (draws,), precision between the ends; ``cutpoints``, shape (draws, 2): log odds
    at which half of the participants are at the floor, and at the ceiling.

    The likelihood is a density in the unit of the score between the ends, and a probability at them.

    References
    ----------
    Kubinec R. Polit Anal 2023;31:519-536. https://doi.org/10.1017/pan.2022.20
    """

    @property
    def kind(self) -> str:
        """Slug of the model."""
        return "bayes_ordered_beta"

    @property
    def likelihood(self) -> Callable[..., tuple[FloatArray, FloatArray, FloatArray]]:
        """The compiled likelihood."""
        return value_and_gradient

    @property
    def values(self) -> dict[str, FloatArray]:
        """The scores as shares of the scale, and its width."""
        return {"values": self.scores.share(self.scores.follow_up), "width": np.array([self.scores.width])}

    def named(self, shares: FloatArray) -> dict[str, FloatArray]:
        """Return phi and the cutpoints."""
        _, floor, ceiling = shares.T
        cutpoints = np.column_stack([special.logit(floor), -special.logit((1 - floor) * ceiling)])
        return {"phi": 1 / shares[:, 0] - 1, "cutpoints": cutpoints}

    def shares(self, parameters: Parameters) -> FloatArray:
        """Return 1 / (1 + phi), and at log odds of 0 the floor and the ceiling for who is not at the floor."""
        low, high = parameters["cutpoints"].T
        ceiling = special.expit(-high) / special.expit(-low)
        return np.column_stack([1 / (1 + parameters["phi"]), special.expit(low), ceiling])

    def expected(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the expected scores if the arms were `codes`, those at the ends among them."""
        eta = self.log_odds(parameters, codes)
        floor, ceiling = self._ends(eta, parameters["cutpoints"])
        mean = ceiling + (1 - floor - ceiling) * special.expit(eta)
        return np.asarray(self.scores.bounds[0] + self.scores.width * mean)

    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log likelihood of each participant's score, shape (draws, n)."""
        eta = self.log_odds(parameters, self.scores.codes)
        return np.asarray(log_likelihoods(eta, self.shares(parameters), *self.values.values()))

    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new scores, shape (draws, n, 1)."""
        eta = self.log_odds(parameters, self.scores.codes)
        floor, ceiling = self._ends(eta, parameters["cutpoints"])
        between = np.clip(drawn_shares(special.expit(eta), parameters["phi"], rng), _BETWEEN, 1 - _BETWEEN)
        place = rng.uniform(size=eta.shape)
        share = np.select([place < floor, place < floor + ceiling], [0.0, 1.0], between)
        low, high = self.scores.bounds
        return np.where(share == 1, high, low + self.scores.width * share)[:, :, None]

    @staticmethod
    def _ends(eta: FloatArray, cutpoints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probabilities of floor and ceiling, shape (draws, n)."""
        low, high = cutpoints.T[:, :, None]
        return special.expit(low - eta), special.expit(eta - high)
