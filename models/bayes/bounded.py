"""The Bayesian models of a score with floor and ceiling as a function on a table of participants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.models.bayes.asked import wording
from neurotrial.models.bayes.result import BayesianFit, fit_priors
from neurotrial.models.bayes.settings import models_by_prior, plan_of, shows_progress
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_scores.bounded_model import bounded_model

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.bayes_scores.bounded_model import BoundedFamily
    from neurotrial.models.bayes_scores.bounded_priors import BoundedPriors
    from neurotrial.models.sentences import Direction

__all__ = ["bayes_bounded"]


def bayes_bounded(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    bounds: tuple[float, float],
    family: BoundedFamily = "beta_binomial",
    reference: str | None = None,
    covariates: Sequence[str] = (),
    direction: Direction = "higher_is_better",
    mcid: float | None = None,
    rope: float | None = None,
    priors: BayesPlan | None = None,
    bounded_priors: BoundedPriors | None = None,
    prior_sets: Sequence[str] = PRIOR_SETS,
    conf_level: float = 0.95,
    visit: str = "follow_up",
    draws: int | None = None,
    chains: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> BayesianFit:
    """Compare arms by a model of a score with floor and ceiling, such as Fugl-Meyer's, with each prior of the effect.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm : str
        Columns with the score at follow-up, the score at baseline and the arm.
    bounds : tuple of float
        Lowest and highest possible score, e.g. ``(0, 66)``.
    family : {"beta_binomial", "ordered_beta", "recovery"}
        Whole points won out of those there are; any score, with masses at both ends; or a mixture of participants who
        recover a share of what they lack and of those who hardly do, the arms acting on who recovers.
    reference, covariates, direction, mcid, rope, priors, prior_sets, conf_level, visit, draws, chains, seed, progress
        As in `bayes_ancova`. Priors of the effect are in baseline SDs and translated to log odds at the mean baseline.
    bounded_priors : BoundedPriors, optional
        Priors of what only these models have: overdispersion, masses at the ends, shares recovered.

    Returns
    -------
    BayesianFit
        ``tidy()`` has the difference of mean scores in points, everybody put into each arm in turn (term ``arm``), and
        the coefficient in log odds; for the mixture also the probability to recover in each arm.

    Raises
    ------
    InputError
        If a score is outside the bounds or no whole point (with the rows), the table breaks another rule of
        `neurotrial.models.bayes_scores.bounded_data.bounded_scores`, or a setting is out of range.

    References
    ----------
    .. [1] Kubinec R. Polit Anal 2023;31:519-536. https://doi.org/10.1017/pan.2022.20
    .. [2] van der Vliet R et al. Ann Neurol 2020;87:383-393. https://doi.org/10.1002/ana.25679
    """
    asked = wording(
        direction=direction, visit=visit, bounds=bounds, mcid=mcid, rope=rope, conf_level=conf_level
    )
    plan = plan_of(priors, draws, chains)
    table = standardise(
        data, outcome=outcome, baseline=baseline, arm=arm, reference=reference, covariates=covariates
    ).table
    models = models_by_prior(
        plan,
        prior_sets,
        lambda effect: bounded_model(
            data, outcome=outcome, baseline=baseline, arm=arm, bounds=bounds, family=family, effect=effect,
            plan=plan, direction=direction, reference=reference, covariates=covariates, visit=visit,
            priors=bounded_priors,
        ),
    )  # fmt: skip
    fits = fit_priors(models, plan, seed, progress=shows_progress(progress))
    return BayesianFit(fits, {"": asked}, (table.note,) if table.note else ())
