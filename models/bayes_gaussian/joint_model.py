"""The joint model of two outcomes at two visits: how their changes go together, free of mathematical coupling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.models.bayes.coefficients import CoefficientPrior
from neurotrial.models.bayes_gaussian.ancova_model import tail_prior
from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior
from neurotrial.models.bayes_gaussian.gaussian_model import GaussianModel, Scaling
from neurotrial.models.bayes_gaussian.gaussian_targets import Association, LinearTarget

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.models.bayes.asked import Wording
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes_gaussian.gaussian_targets import TargetRule

__all__ = ["joint_model"]

_X0, _X1, _Y0, _Y1 = range(4)
_FIRSTS, _LATERS = (_X0, _Y0), (_X1, _Y1)


def joint_model(
    x: Standardised, y: Standardised, effect: NormalPrior, plan: BayesPlan, names: tuple[str, str],
    wordings: tuple[Wording, Wording],
) -> GaussianModel:  # fmt: skip
    """Return the model of baseline and follow-up of two outcomes, each arm with its mean at each.

    The four values of a participant have an unrestricted covariance. The association of the changes is what is left
    between the follow-ups in participants of one arm with the same two baselines: no difference or ratio of noisy
    values is formed, so that nothing is shared by construction.

    Parameters
    ----------
    x, y : Standardised
        The outcome that explains and the one that is explained; tables with the same participants as index.
    effect : NormalPrior
        Prior of the effect of each compared arm on each outcome's change, oriented.
    plan : BayesPlan
        All other priors.
    names : tuple of str
        Names of the outcomes.
    wordings : tuple of Wording
        Their directions, visits and ranges.

    Returns
    -------
    GaussianModel
        Kind ``bayes_joint_change``; targets: effects on both changes, partial correlation of the follow-ups, and the
        slope of y on x in their units.
    """
    shared = [who for who in x.table.frame.index if who in set(y.table.frame.index)]
    rows = [given.table.frame.index.get_indexer(pd.Index(shared)) for given in (x, y)]
    arms = x.visits.arms[rows[0]]
    values = np.column_stack(
        [
            visit[own]
            for given, own in zip((x, y), rows, strict=True)
            for visit in (given.visits.baseline, given.visits.follow_up)
        ]
    )
    covariates = x.visits.covariates[rows[0]]
    labels = tuple(x.table.frame[x.table.arm].iloc[rows[0]])
    others = plan.others
    a, q = arms.shape[1], covariates.shape[1]
    columns = tuple(
        f"{name}, {visit}"
        for name, asked in zip(names, wordings, strict=True)
        for visit in (asked.baseline_visit, asked.visit)
    )
    prior, effects = _prior(effect, plan, wordings, a, q)
    return GaussianModel(
        kind="bayes_joint_change",
        values=values,
        design=_design(arms, covariates),
        prior=prior,
        covariance=CovariancePrior(np.full(4, others.residual_sd), others.correlation_eta, tail_prior(plan)),
        effects=effects,
        scaling=Scaling(
            np.repeat([x.centre, y.centre], 2),
            np.repeat([x.sd, y.sd], 2),
            tuple(str(who) for who in shared),
            labels,
            columns,
            (wordings[0].bounds,) * 2 + (wordings[1].bounds,) * 2,
        ),
        asked=tuple(_targets(x, y, names, wordings, a, q)),
    )


def _block(a: int, q: int) -> int:
    """Return how many coefficients an outcome has: means of the reference arm, imbalances, effects, covariates."""
    return 2 + 2 * a + q


def _design(arms: FloatArray, covariates: FloatArray) -> FloatArray:
    n, a = arms.shape
    q = covariates.shape[1]
    size, one = _block(a, q), np.ones((n, 1))
    design = np.zeros((n, 4, 2 * size))
    for outcome, (first, later) in enumerate(zip(_FIRSTS, _LATERS, strict=True)):
        own = slice(size * outcome, size * (outcome + 1))
        design[:, first, own] = np.hstack([one, 0 * one, arms, 0 * arms, 0 * covariates])
        design[:, later, own] = np.hstack([one, one, arms, arms, covariates])
    return design


def _prior(
    effect: NormalPrior, plan: BayesPlan, wordings: Sequence[Wording], a: int, q: int
) -> tuple[CoefficientPrior, tuple[int, ...]]:
    others = plan.others
    mean: list[float] = []
    sd: list[float] = []
    effects: list[int] = []
    for asked in wordings:
        effects += range(len(mean) + 2 + a, len(mean) + 2 + 2 * a)
        mean += [0.0, 0.0, *[0.0] * a, *[asked.sign * effect.mean] * a, *[0.0] * q]
        sd += (
            [others.intercept_sd] * 2
            + [others.imbalance_sd] * a
            + [effect.sd] * a
            + [others.covariate_sd] * q
        )
    return CoefficientPrior(np.array(mean), np.array(sd), np.eye(len(mean))), tuple(effects)


def _targets(
    x: Standardised, y: Standardised, names: tuple[str, str], wordings: Sequence[Wording], a: int, q: int
) -> Iterator[TargetRule]:
    units = np.eye(2 * _block(a, q))
    for outcome, (given, name, asked) in enumerate(zip((x, y), names, wordings, strict=True)):
        for place, arm in enumerate(given.table.compared):
            weights = units[_block(a, q) * outcome + 2 + a + place]
            contrast = f"{arm} - {given.table.reference} @ {asked.visit} - {asked.baseline_visit}"
            yield LinearTarget(
                weights, given.sd, 0.0, "group_by_time", contrast, asked.visit, name, sign=asked.sign
            )
    what, visit = f"{names[1]} with {names[0]}", wordings[1].visit
    yield Association(_X1, _Y1, _FIRSTS, f"{what}, partial correlation", visit, 0.0, "correlation")
    yield Association(_X1, _Y1, _FIRSTS, f"{what}, slope", visit, y.sd / x.sd, "slope")
