"""The Bayesian analysis of covariance: follow-up given baseline, one value of each participant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.coefficients import CoefficientPrior
from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior
from neurotrial.models.bayes_gaussian.gaussian_model import GaussianModel, Scaling
from neurotrial.models.bayes_gaussian.gaussian_targets import LinearTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes_priors.mixture_prior import MixturePrior

__all__ = ["ancova_model", "tail_prior"]

_ARMS_FROM = 2
"""Coefficients: mean of the reference arm, slope on baseline, effects of the compared arms, covariates."""


def ancova_model(
    given: Standardised,
    effect: NormalPrior,
    plan: BayesPlan,
    wording: Wording,
    reference: MixturePrior | None = None,
) -> GaussianModel:
    """Return the model of follow-up given baseline, arms and covariates.

    Parameters
    ----------
    given : Standardised
        The participants who miss nothing.
    effect : NormalPrior
        Prior of the effect of each compared arm, oriented: above 0 is a benefit.
    plan : BayesPlan
        All other priors.
    wording : Wording
        Direction, names and range.
    reference : MixturePrior, optional
        Prior of the reference arm's mean at a mean baseline, in place of the normal one of the plan.

    Returns
    -------
    GaussianModel
        Kind ``bayes_ancova``.
    """
    visits, others = given.visits, plan.others
    (n, k), q = visits.arms.shape, visits.covariates.shape[1]
    design = np.column_stack([np.ones(n), visits.baseline, visits.arms, visits.covariates])
    prior = CoefficientPrior(
        np.array([0.0, others.slope.mean, *[wording.sign * effect.mean] * k, *[0.0] * q]),
        np.array([others.intercept_sd, others.slope.sd, *[effect.sd] * k, *[others.covariate_sd] * q]),
        np.eye(design.shape[1]),
    )
    if reference is not None and len(reference.weights) == 1:
        prior, reference = prior.shifted(0, float(reference.means[0]), float(reference.sds[0])), None
    labels = given.table.frame[given.table.arm]
    return GaussianModel(
        kind="bayes_ancova",
        values=visits.follow_up[:, None],
        design=design[:, None, :],
        prior=prior,
        covariance=CovariancePrior(np.array([others.residual_sd]), others.correlation_eta, tail_prior(plan)),
        effects=tuple(range(_ARMS_FROM, _ARMS_FROM + k)),
        scaling=Scaling(
            np.array([given.centre]),
            np.array([given.sd]),
            tuple(str(name) for name in labels.index),
            tuple(labels),
            (wording.visit,),
            (wording.bounds,),
        ),
        asked=tuple(_targets(given, wording, design.shape[1])),
        reference=reference,
    )


def tail_prior(plan: BayesPlan) -> tuple[float, float] | None:
    """Return the prior of the degrees of freedom, or None for normal residuals."""
    others = plan.others
    return (others.tail_shape, others.tail_rate) if plan.residuals == "student" else None


def _targets(given: Standardised, wording: Wording, p: int) -> Iterator[LinearTarget]:
    table, units = given.table, np.eye(p)
    for place, arm in enumerate(table.compared, _ARMS_FROM):
        yield LinearTarget(
            units[place], given.sd, 0.0, "arm", f"{arm} - {table.reference}", wording.visit, sign=wording.sign
        )
    for arm in table.arms:
        weights: FloatArray = units[0].copy()
        if arm != table.reference:
            weights[_ARMS_FROM + table.compared.index(arm)] = 1.0
        yield LinearTarget(weights, given.sd, given.centre, "lsmean", f"mean @ {arm}", wording.visit, sign=0)
