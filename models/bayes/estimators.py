"""The Bayesian estimators as a function on a table of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.errors import InputError, Problem
from neurotrial.models.bayes.answers import (
    Asked,
    ask,
    diagnostic_rows,
    effect_estimates,
    predictive_rows,
)
from neurotrial.models.bayes.fit import Posterior, sample_posterior
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes.two_visits import ANCOVA, EFFECT, GROUP_TIME
from neurotrial.models.checks import check_level
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    from neurotrial.models.sentences import Direction

__all__ = ["BayesianFit", "bayes_two_visits"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_MODELS = {"ancova": ANCOVA, "group_time": GROUP_TIME}


@dataclass(frozen=True, slots=True)
class BayesianFit:
    """A model fitted with each prior of the effect.

    Attributes
    ----------
    estimates : tuple of Estimate
        One for each prior and compared arm; failed where the draws did not reach what the plan asks.
    diagnostics, predictive : DataFrame
        What the draws are worth; prior and posterior predictive checks. Columns as in the results store.
    posteriors : mapping of str to Posterior
        Draws by prior, on the standardised scale.
    centre, sd : float
        Mean of baseline and its SD pooled over the arms: zero and unit of that scale.
    """

    estimates: tuple[Estimate, ...]
    diagnostics: pd.DataFrame
    predictive: pd.DataFrame
    posteriors: Mapping[str, Posterior]
    centre: float
    sd: float

    def tidy(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of `neurotrial.models.tidy`."""
        return tidy_frame(self.estimates)

    def effect_draws(self, prior: str = "neutral") -> FloatArray:
        """Return draws of the effect in the unit of the outcome, shape (chains, draws, compared arms)."""
        return np.asarray(self.posteriors[prior].draws.variables[EFFECT] * self.sd)


def bayes_two_visits(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    model: Literal["ancova", "group_time"] = "ancova",
    reference: str | None = None,
    covariates: Sequence[str] = (),
    direction: Direction = "higher_is_better",
    mcid: float | None = None,
    bounds: tuple[float, float] | None = None,
    plan: BayesPlan | None = None,
    conf_level: float = 0.95,
    visit: str = "follow_up",
    baseline_visit: str = "baseline",
    seed: int = 0,
) -> BayesianFit:
    """Compare arms by a Gaussian model of two visits, with each prior of the effect.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline and the arm.
    model : {"ancova", "group_time"}
        Difference at follow-up given baseline; or difference in the change between two correlated visits, each arm
        with its mean at each, where covariates act at follow-up.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms such as ``"log(lesion_volume_ml)"``.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    mcid : float, optional
        Minimal clinically important difference, above 0, in the unit of the outcome.
    bounds : tuple of float, optional
        Lowest and highest possible value; for the predictive checks only.
    plan : BayesPlan, optional
        Priors in baseline SDs, interval, sampler, and what the draws must reach.
    conf_level : float
        Probability of the intervals, in (0, 1).
    visit, baseline_visit : str
        Names of the visits, for the tables only.
    seed : int
        Root of the random streams.

    Returns
    -------
    BayesianFit
        Compiling takes seconds to a minute, once a process for a model with as many arms and covariates.

    Raises
    ------
    InputError
        If the table breaks a rule of `neurotrial.models.bayes.standardised.standardise`, the model is unknown, or MCID
        or level is none.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Parmar MKB. J R Stat Soc A 1994;157:357-416. https://doi.org/10.2307/2983527
    """
    check_level(conf_level)
    _check(model, mcid)
    given = standardise(
        data, outcome=outcome, baseline=baseline, arm=arm, reference=reference, covariates=covariates
    )
    plan = plan or BayesPlan()
    asked = Asked("", direction, mcid, bounds, conf_level, baseline_visit, visit)
    seeds = np.random.SeedSequence(seed).generate_state(len(PRIOR_SETS))
    fits = []
    for prior, own in zip(PRIOR_SETS, seeds, strict=True):
        question = ask(_MODELS[model], prior, given, direction, plan, int(own))
        fits.append(
            (question, sample_posterior(question, sampler_name()), given, replace(asked, prior=prior))
        )
    return BayesianFit(
        tuple(estimate for fit in fits for estimate in effect_estimates(*fit)),
        pd.DataFrame([row for fit in fits for row in diagnostic_rows(*fit)]),
        pd.DataFrame([{"prior": fit[3].prior, **row} for fit in fits for row in predictive_rows(*fit)]),
        {fit[3].prior: fit[1] for fit in fits},
        given.centre,
        given.sd,
    )


def _check(model: str, mcid: float | None) -> None:
    problems = []
    if model not in _MODELS:
        problems.append(Problem("model", f"{model!r} is unknown", f"use one of: {', '.join(_MODELS)}"))
    if mcid is not None and not 0 < mcid < np.inf:
        problems.append(
            Problem("mcid", f"{mcid:g} is no difference above 0", "give its size, whatever the direction")
        )
    if problems:
        raise InputError(problems)
