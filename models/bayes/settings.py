"""What the user of a Bayesian estimator may set beside data and model: priors, sampler, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan, NormalPrior, SamplingPlan
from neurotrial.errors import InputError, Problem, refuse

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel

__all__ = ["Priors", "effect_priors", "models_by_prior", "plan_of", "shows_progress"]

Priors = BayesPlan | None
"""The priors and the sampler of an analysis; None for the defaults."""


def plan_of(priors: Priors, draws: int | None, chains: int | None) -> BayesPlan:
    """Return the plan with another number of draws or chains.

    Raises
    ------
    InputError
        If the number is out of range, or `priors` is no `BayesPlan`.
    """
    plan = BayesPlan() if priors is None else priors
    if not isinstance(plan, BayesPlan):
        raise refuse(
            "priors", f"{type(priors).__name__} is no BayesPlan", "give neurotrial.bayes_plan.BayesPlan(...)"
        )
    changed = {name: value for name, value in (("draws", draws), ("chains", chains)) if value is not None}
    try:
        sampling = SamplingPlan.model_validate(plan.sampling.model_dump() | changed)
    except ValidationError as error:
        raise InputError(
            [Problem(str(fault["loc"][0]), fault["msg"], "give another number") for fault in error.errors()]
        ) from None
    return plan.model_copy(update={"sampling": sampling})


def effect_priors(plan: BayesPlan, sets: Sequence[str]) -> dict[str, NormalPrior]:
    """Return the priors of the effect by the names of their sets.

    Raises
    ------
    InputError
        If a set is not known, or none is named.
    """
    unknown = [name for name in sets if name not in PRIOR_SETS]
    if unknown or not sets:
        rule = f"not known: {', '.join(unknown)}" if unknown else "names none"
        raise refuse("prior_sets", rule, f"use some of: {', '.join(PRIOR_SETS)}")
    return {name: getattr(plan.effect, name) for name in dict.fromkeys(sets)}


def models_by_prior(
    plan: BayesPlan, sets: Sequence[str], build: Callable[[NormalPrior], BayesModel]
) -> Mapping[str, BayesModel]:
    """Return a model for each prior of the effect."""
    return {name: build(prior) for name, prior in effect_priors(plan, sets).items()}


def shows_progress(progress: bool | None) -> bool:
    """Say whether the sampler's progress is shown: where it was asked for, or somebody looks at a terminal."""
    return sys.stderr.isatty() if progress is None else progress
