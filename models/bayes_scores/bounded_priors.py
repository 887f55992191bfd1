"""Priors of the models of bounded scores: from baseline SDs to log odds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.bayes.coefficients import CoefficientPrior

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NormalPrior, NuisancePriors
    from neurotrial.models.bayes_scores.bounded_data import BoundedScores

__all__ = [
    "BoundedPriors",
    "log_odds_per_sd",
    "log_odds_prior",
    "membership_per_sd",
    "membership_prior",
    "pooled_share",
]

_LEAST = 0.1
"""Nearer to an end of the scale than this share of it, log odds per point are not let grow."""


@dataclass(frozen=True, slots=True)
class BoundedPriors:
    """Priors of what only models of bounded scores have; every number is above 0.

    Attributes
    ----------
    overdispersion : tuple of float
        Beta prior of 1 / (1 + phi), the correlation of two points of a participant. By default its mean is 0.17 and
        0.45 its 95 % quantile: in the middle of a scale of 100 points, residual SDs of 20 and 34 points.
    ends : tuple of float
        Dirichlet prior of the probabilities of floor, between and ceiling, for who is expected in the middle of the
        scale (ordered beta alone). By default 10 % for each end on average.
    recovery : tuple of float
        Beta prior of the share of the room for recovery that recoverers regain (recovery mixture alone); by default
        with mean 0.7, the share of proportional recovery, and SD 0.14.
    ratio : tuple of float
        Beta prior of what the others regain, as a share of that; by default with mean 1/6, so that they regain 12 % of
        the room.
    membership_sd : float
        SD of the normal prior, centred on 0, of the log odds of being a recoverer in the reference arm. By default the
        probability is about uniform.
    membership_effect_sd : float
        Largest SD of the prior of an arm effect on the log odds of being a recoverer. A wider prior is not a vaguer one:
        it says that an arm makes nearly everybody or nearly nobody recover. Where the room is small, a declared effect
        in baseline SDs may be more than the classes are apart.

    References
    ----------
    Gelman A et al. Ann Appl Stat 2008;2:1360-1383. https://doi.org/10.1214/08-AOAS191
    Prabhakaran S et al. Neurorehabil Neural Repair 2008;22:64-71. https://doi.org/10.1177/1545968307305302
    """

    overdispersion: tuple[float, float] = (1.0, 5.0)
    ends: tuple[float, float, float] = (1.0, 8.0, 1.0)
    recovery: tuple[float, float] = (7.0, 3.0)
    ratio: tuple[float, float] = (1.0, 5.0)
    membership_sd: float = 1.5
    membership_effect_sd: float = 2.5

    def __post_init__(self) -> None:
        for own in fields(self):
            values = np.atleast_1d(getattr(self, own.name))
            if not (np.isfinite(values).all() and (values > 0).all()):
                raise refuse(f"prior {own.name!r}", "must be finite and above 0", "correct the prior")

    @property
    def floor_and_ceiling(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Beta priors of the floor, and of the ceiling for who is not at the floor: the Dirichlet prior in two steps."""
        floor, between, ceiling = self.ends
        return (floor, between + ceiling), (ceiling, between)

    @property
    def expected_gain(self) -> float:
        """What recoverers are expected to regain above the others, as a share of the room."""
        recovery, ratio = (a / (a + b) for a, b in (self.recovery, self.ratio))
        return recovery * (1 - ratio)


def pooled_share(centre: float, bounds: tuple[float, float]) -> float:
    """Return the mean of baseline as a share of the scale, no nearer to its ends than a tenth of it."""
    low, high = bounds
    return float(np.clip((centre - low) / (high - low), _LEAST, 1 - _LEAST))


def log_odds_per_sd(sd: float, centre: float, bounds: tuple[float, float]) -> float:
    """Return how many log odds of a point one baseline SD is.

    At an expected share c of the scale, a small difference of log odds is c (1 - c) times the width of the scale in
    points. With c that of the pooled mean at baseline, kept in [0.1, 0.9], a prior in baseline SDs is one in log odds;
    farther from c the same log odds are fewer points. The ordered beta distribution has about the same slope as long
    as few participants are at an end.

    Parameters
    ----------
    sd, centre : float
        Baseline SD and mean, in points.
    bounds : tuple of float
        Ends of the scale, in points.
    """
    share = pooled_share(centre, bounds)
    return sd / ((bounds[1] - bounds[0]) * share * (1 - share))


def membership_per_sd(
    sd: float, centre: float, bounds: tuple[float, float], good: float, gain: float
) -> float:
    """Return how many log odds of being a recoverer one baseline SD is.

    A recoverer regains `gain` times the room more points than another participant. At even odds, where a difference of
    log odds is four differences of probability, a difference of d log odds is therefore d / 4 times gain times the
    room in points; the room is that of the pooled mean at baseline, at least a tenth of the scale.

    Parameters
    ----------
    sd, centre : float
        Baseline SD and mean, in points.
    bounds : tuple of float
        Ends of the scale, in points.
    good : float
        The end that recovery leads to.
    gain : float
        Expected difference between the classes in the share of the room that they regain, in (0, 1).
    """
    room = max(abs(good - centre), _LEAST * (bounds[1] - bounds[0]))
    return 4 * sd / (room * gain)


def log_odds_prior(scores: BoundedScores, effect: NormalPrior, others: NuisancePriors) -> CoefficientPrior:
    """Return the priors of a regression of log odds: reference mean, slope, arm effects, covariates, in this order.

    The reference mean is centred on the log odds of the pooled mean at baseline; everything else is the declared prior
    in baseline SDs times `log_odds_per_sd`, the effect turned to the direction of the score.

    Parameters
    ----------
    scores : BoundedScores
        Their scale and the numbers of arms and covariates.
    effect : NormalPrior
        Of each compared arm, in baseline SDs; above 0 is a benefit.
    others : NuisancePriors
        In baseline SDs.
    """
    per_sd = log_odds_per_sd(scores.sd, scores.centre, scores.bounds)
    share = pooled_share(scores.centre, scores.bounds)
    k, q = len(scores.compared), scores.covariates.shape[1]
    mean = [0.0, others.slope.mean, *[scores.sign * effect.mean] * k, *[0.0] * q]
    sd = [others.intercept_sd, others.slope.sd, *[effect.sd] * k, *[others.covariate_sd] * q]
    means = per_sd * np.array(mean)
    means[0] = np.log(share / (1 - share))
    return CoefficientPrior(means, per_sd * np.array(sd), np.eye(len(sd)))


def membership_prior(scores: BoundedScores, effect: NormalPrior, priors: BoundedPriors) -> CoefficientPrior:
    """Return the priors of the log odds of being a recoverer: reference arm, then arm effects.

    A benefit is more recoverers, whatever the direction of the score. The effect is the declared one times
    `membership_per_sd`, its SD at most `BoundedPriors.membership_effect_sd`.

    Parameters
    ----------
    scores : BoundedScores
        Their scale and the number of arms.
    effect : NormalPrior
        Of each compared arm, in baseline SDs; above 0 is a benefit.
    priors : BoundedPriors
        Of the log odds in the reference arm, and of the recovery of both classes.
    """
    per_sd = membership_per_sd(scores.sd, scores.centre, scores.bounds, scores.good_end, priors.expected_gain)
    k = len(scores.compared)
    sd = min(per_sd * effect.sd, priors.membership_effect_sd)
    means = np.array([0.0, *[per_sd * effect.mean] * k])
    return CoefficientPrior(means, np.array([priors.membership_sd, *[sd] * k]), np.eye(k + 1))
