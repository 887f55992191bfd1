"""A Bayesian mixture of participants who recover and participants who hardly do.

Proportional recovery says that patients regain a fixed share of what they could regain, but for some who do not. Here
both are classes of a model: follow-up has the mean y0 + r (good end - y0), with a share r of each class, 0 < r_0 < r_1 <
1, and beta-binomial noise; the arms change the odds of being a recoverer, and nothing else does. That differs from van
der Vliet et al., who have five classes, many visits and a curve in time.

What two visits can tell. The order of the shares gives the classes their names, so that labels do not switch. Apart
from that the classes are known only where the gap between their means, (r_1 - r_0) times the room, is large beside the
noise. Near the ceiling, where the room is small, a participant says nothing about the classes. Where nobody recovers,
or all do, the priors of both shares decide what the one class that is there is called; they are therefore informative,
and an effect on membership is then hardly more than its prior. A model of the means (`BetaBinomial`) should be shown
beside this one.

Change is not regressed on baseline here, the fallacy of proportional recovery (Hope et al.): the noise of follow-up is
modelled on the scale of the score, and keeps to its ends. Baseline is taken as it is measured: its error is in the
noise.

References
----------
van der Vliet R et al. Ann Neurol 2020;87:383-393. https://doi.org/10.1002/ana.25679
Hope TMH et al. Brain 2019;142:15-22. https://doi.org/10.1093/brain/awy302
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from neurotrial.models.bayes.model import Target
from neurotrial.models.bayes_scores.bounded_base import BoundedModel
from neurotrial.models.bayes_scores.bounded_draws import drawn_points
from neurotrial.models.bayes_scores.recovery_likelihood import log_likelihoods, value_and_gradient

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters
    from neurotrial.models.bayes_scores.bounded_data import IntArray

__all__ = ["RecoveryMixture"]

_EVEN_ODDS = 0.25
"""Information of a known class about log odds of 0."""


@dataclass(frozen=True, slots=True)
class RecoveryMixture(BoundedModel):
    """Follow-up points are beta-binomial in each of two classes; the arms act on who belongs to which.

    Named parameters: ``coefficients``, shape (draws, p): log odds of being a recoverer in the reference arm, arm
    effects; ``phi``, shape (draws,), precision; ``recovery``, shape (draws, 2): share of the room that the others and
    that recoverers regain.

    Means are kept half a point away from the ends of the scale, (N m + 1/2) / (N + 1) for a share m of N points:
    otherwise who starts at the good end could not lose a point.
    """

    @property
    def kind(self) -> str:
        """Slug of the model."""
        return "bayes_recovery"

    @property
    def likelihood(self) -> Callable[..., tuple[FloatArray, FloatArray, FloatArray]]:
        """The compiled likelihood."""
        return value_and_gradient

    @property
    def values(self) -> dict[str, FloatArray]:
        """The points, the start and the room as shares of the scale, and the most points."""
        scores = self.scores
        start = scores.share(scores.baseline)
        return {
            "points": scores.follow_up - scores.bounds[0],
            "start": start,
            "room": scores.share(np.array(scores.good_end)) - start,
            "size": np.array([scores.width]),
        }

    @property
    def first_arm(self) -> int:
        """Place of the first arm effect among the coefficients."""
        return 1

    @property
    def coefficient_sign(self) -> int:
        """More recoverers are a benefit, whatever the direction of the score."""
        return 1

    def design(self, codes: IntArray) -> FloatArray:
        """Return the model matrix if the arms were `codes`, shape (n, 1 + compared)."""
        return np.column_stack([np.ones(len(codes)), self.scores.dummies(codes)])

    def information_weights(self) -> FloatArray:
        """Return that of known classes at even odds."""
        return np.full(len(self.scores.participants), _EVEN_ODDS)

    def named(self, shares: FloatArray) -> dict[str, FloatArray]:
        """Return phi and both recoveries."""
        recovery = np.column_stack([shares[:, 1] * shares[:, 2], shares[:, 1]])
        return {"phi": 1 / shares[:, 0] - 1, "recovery": recovery}

    def shares(self, parameters: Parameters) -> FloatArray:
        """Return 1 / (1 + phi), the recovery of recoverers, and that of the others as a share of it."""
        few, many = parameters["recovery"].T
        return np.column_stack([1 / (1 + parameters["phi"]), many, few / many])

    def membership(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the probability of being a recoverer if the arms were `codes`, shape (draws, n)."""
        return np.asarray(special.expit(self.log_odds(parameters, codes)))

    def expected(self, parameters: Parameters, codes: IntArray) -> FloatArray:
        """Return the expected scores if the arms were `codes`, over both classes."""
        few, many = self._class_means(parameters)
        mean = few + self.membership(parameters, codes) * (many - few)
        return np.asarray(self.scores.bounds[0] + self.scores.width * mean)

    def log_likelihood(self, parameters: Parameters) -> FloatArray:
        """Return the log probability of each participant's score, shape (draws, n)."""
        eta = self.log_odds(parameters, self.scores.codes)
        return np.asarray(log_likelihoods(eta, self.shares(parameters), *self.values.values()))

    def replicate(self, parameters: Parameters, rng: np.random.Generator) -> FloatArray:
        """Draw new scores, shape (draws, n, 1)."""
        few, many = self._class_means(parameters)
        recovers = rng.uniform(size=many.shape) < self.membership(parameters, self.scores.codes)
        points = drawn_points(np.where(recovers, many, few), parameters["phi"], self.scores.width, rng)
        return (self.scores.bounds[0] + points)[:, :, None]

    def targets(self, parameters: Parameters) -> list[Target]:
        """Return the difference in points and the coefficient of each compared arm, and each arm's share of recoverers."""
        out = BoundedModel.targets(self, parameters)
        for place, arm in enumerate(self.scores.arms):
            share = self.membership(parameters, self.everybody(place)[:1])[:, 0]
            contrast = f"recoverers @ {arm}"
            out.append(Target(share, "lsmean", contrast, self.scores.visit, unit="probability", sign=0))
        return out

    def _class_means(self, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
        """Return the expected shares of the points in both classes, each of shape (draws, n)."""
        values, size = self.values, self.scores.width
        few, many = (
            (size * (values["start"] + own[:, None] * values["room"]) + 0.5) / (size + 1)
            for own in parameters["recovery"].T
        )
        return few, many
