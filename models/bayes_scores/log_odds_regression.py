"""Regression of the log odds of a point on baseline, arms and covariates."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes_scores.bounded_base import BoundedModel

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_scores.bounded_data import IntArray

__all__ = ["LogOddsRegression"]

_INSIDE = 0.1


@dataclass(frozen=True, slots=True)
class LogOddsRegression(BoundedModel, ABC):
    """A model whose log odds are reference mean + slope of the baseline + arm effects + covariates.

    The baseline is less its mean, over its SD, as in the other Bayesian models; the reference mean is thus that of the
    reference arm at the mean of baseline and covariates.
    """

    def design(self, codes: IntArray) -> FloatArray:
        """Return the model matrix if the arms were `codes`, shape (n, 2 + compared + q)."""
        scores = self.scores
        baseline = (scores.baseline - scores.centre) / scores.sd
        columns = [np.ones(len(codes)), baseline, scores.dummies(codes), scores.covariates]
        return np.column_stack(columns)

    def information_weights(self) -> FloatArray:
        """Return those of a beta-binomial with the observed shares as means, kept off the ends."""
        share = np.clip(self.scores.share(self.scores.follow_up), _INSIDE, 1 - _INSIDE)
        alpha, beta = self.share_priors[0]
        icc = alpha / (alpha + beta)
        size = self.scores.width
        return np.asarray(size * share * (1 - share) / (1 + (size - 1) * icc))
