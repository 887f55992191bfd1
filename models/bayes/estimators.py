"""The Bayesian analysis of covariance as a function on a table of participants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.models.bayes.asked import wording
from neurotrial.models.bayes.result import BayesianFit, fit_priors
from neurotrial.models.bayes.settings import models_by_prior, plan_of, shows_progress
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_priors.historical import published_prior

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.models.sentences import Direction

__all__ = ["bayes_ancova"]


def bayes_ancova(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    direction: Direction = "higher_is_better",
    mcid: float | None = None,
    rope: float | None = None,
    bounds: tuple[float, float] | None = None,
    priors: BayesPlan | None = None,
    prior_sets: Sequence[str] = PRIOR_SETS,
    conf_level: float = 0.95,
    visit: str = "follow_up",
    baseline_visit: str = "baseline",
    draws: int | None = None,
    chains: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> BayesianFit:
    """Compare arms at follow-up given baseline, with each prior of the effect.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out and counted.
    outcome, baseline, arm : str
        Columns with the value at follow-up, the value at baseline and the arm.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms such as ``"log(lesion_volume_ml)"``.
    direction : {"higher_is_better", "lower_is_better"}
        Which sign of a difference is a benefit.
    mcid, rope : float, optional
        Minimal clinically important difference, and half-width of the region of practical equivalence, above 0, in
        the unit of the outcome; the latter is that of `priors`, in baseline SDs, by default.
    bounds : tuple of float, optional
        Lowest and highest possible value; for the predictive checks only.
    priors : BayesPlan, optional
        Priors in baseline SDs, normal or Student residuals, interval, sampler, and what the draws must reach. Published
        control arms (``historical``) whose outcome has the name of the column `outcome` are the prior of the reference
        arm's mean change.
    prior_sets : sequence of {"sceptical", "neutral", "enthusiastic"}
        Which priors of the effect; all by default, ``neutral`` being the main one.
    conf_level : float
        Probability of the intervals, in (0, 1).
    visit, baseline_visit : str
        Names of the visits, for the tables only.
    draws, chains : int, optional
        Kept draws of each chain, and chains; those of `priors` by default.
    seed : int
        Root of the random streams.
    progress : bool, optional
        Show the sampler's progress chain by chain; on a terminal by default.

    Returns
    -------
    BayesianFit
        Differences between arms and means at a mean baseline. Compiling takes seconds to a minute, once a process for
        as many arms and covariates.

    Raises
    ------
    InputError
        If the table breaks a rule of `neurotrial.models.bayes.standardised.standardise`, or a setting is out of range.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Parmar MKB. J R Stat Soc A 1994;157:357-416. https://doi.org/10.2307/2983527
    """
    asked = wording(
        direction=direction, visit=visit, baseline_visit=baseline_visit, bounds=bounds, mcid=mcid, rope=rope,
        conf_level=conf_level,
    )  # fmt: skip
    plan = plan_of(priors, draws, chains)
    given = standardise(
        data, outcome=outcome, baseline=baseline, arm=arm, reference=reference, covariates=covariates
    )
    published = published_prior(plan, outcome, given.sd)
    models = models_by_prior(
        plan, prior_sets, lambda effect: ancova_model(given, effect, plan, asked, published)
    )
    note = (given.table.note,) if given.table.note else ()
    return BayesianFit(fit_priors(models, plan, seed, progress=shows_progress(progress)), {"": asked}, note)
