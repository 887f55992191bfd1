"""Priors of the coefficients of a formula, put on what they mean: means, differences between arms, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.bayes.coefficients import CoefficientPrior
from neurotrial.models.repeated_measures.grid import mean_functions

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NuisancePriors
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_gaussian.mmrm_model import RepeatedMeasures

__all__ = ["coefficient_prior"]

_WORST_CONDITION = 1e10


def coefficient_prior(
    given: RepeatedMeasures, effect_mean: float, effect_sd: float, others: NuisancePriors, *, baseline: bool
) -> tuple[CoefficientPrior, tuple[int, ...]]:
    """Return the prior of all coefficients, and which of its functions are effects of arms.

    The prior stands on linear functions as many as coefficients: the mean of the reference arm at the first visit (at
    mean covariates), its changes to later visits, the differences between arms, and the other coefficients over the
    SDs of their columns.

    Parameters
    ----------
    given : RepeatedMeasures
        Rows and columns.
    effect_mean, effect_sd : float
        Normal prior of each effect, in baseline SDs.
    others : NuisancePriors
        All other priors.
    baseline : bool
        Whether the first visit is before treatment.

    Returns
    -------
    tuple of (CoefficientPrior, tuple of int)
        The prior, and the places of the effects.

    Raises
    ------
    InputError
        If the arm enters the formula in a way that leaves its differences at the visits without a prior of their own.
    """
    means = _cell_means(given)
    rows: list[FloatArray] = []
    mean: list[float] = []
    sd: list[float] = []

    def put(row: FloatArray, location: float, scale: float) -> None:
        rows.append(row)
        mean.append(location)
        sd.append(scale)

    put(means[0, 0], 0.0, others.intercept_sd)
    for later in means[0, 1:]:
        put(later - means[0, 0], 0.0, others.intercept_sd)
    kept = _independent(rows)
    rows, mean, sd = [rows[i] for i in kept], [mean[i] for i in kept], [sd[i] for i in kept]
    effects = []
    for arm in means[1:]:
        for row, is_effect in _differences(arm - means[0], baseline=baseline):
            if len(_independent([*rows, row])) == len(rows) + 1:
                if is_effect:
                    effects.append(len(rows))
                put(row, effect_mean if is_effect else 0.0, effect_sd if is_effect else others.imbalance_sd)
    for place in _others(given):
        unit = np.zeros(means.shape[2])
        unit[place] = float(given.design.matrix[:, place].std(ddof=1))
        put(unit, 0.0, others.covariate_sd)
    functions = np.array(rows)
    p = means.shape[2]
    if functions.shape != (p, p) or np.linalg.cond(functions) > _WORST_CONDITION or not effects:
        rule = f"the arm {given.arm!r} enters it in a way that these priors do not know"
        remedy = f"use {given.arm} * {given.roles.visit}, {given.arm}:{given.roles.visit} or {given.arm} + {given.roles.visit}"
        raise refuse("formula", rule, remedy)
    return CoefficientPrior(np.array(mean), np.array(sd), functions), tuple(effects)


def _cell_means(given: RepeatedMeasures) -> FloatArray:
    """Return the functions that are the means of arms at visits, at mean covariates, shape (arms, visits, p)."""
    rows = mean_functions(
        given.design, given.long.frame, given.roles.visit, given.arm, visit=given.roles.visit
    )[0]
    return np.asarray(rows.reshape(len(given.design.factors[given.arm]), len(given.long.visits), -1))


def _differences(between: FloatArray, *, baseline: bool) -> list[tuple[FloatArray, bool]]:
    """Return functions and whether each it is an effect: at baseline an imbalance, later the change in the difference."""
    if not baseline:
        return [(row, True) for row in between]
    if np.allclose(between, between[0]):
        return [(between[0], True)]
    later = [(row - between[0], True) for row in between[1:]]
    return [(between[0], False), *later] if np.abs(between[0]).max() > 0 else later


def _independent(rows: list[FloatArray]) -> list[int]:
    """Return the places of rows that are no combination of those before them."""
    kept: list[int] = []
    for place in range(len(rows)):
        chosen = np.array([rows[i] for i in [*kept, place]])
        if np.linalg.matrix_rank(chosen) == len(chosen):
            kept.append(place)
    return kept


def _others(given: RepeatedMeasures) -> list[int]:
    """Return the columns that are neither means of visits nor of arms."""
    own = {given.arm, given.roles.visit}
    return [
        place
        for place, term in enumerate(given.design.terms)
        if term != "1" and not set(term.split(":")) <= own
    ]
