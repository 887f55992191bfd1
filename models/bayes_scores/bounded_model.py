"""The door of the Bayesian models of a bounded score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from neurotrial.errors import refuse
from neurotrial.models.bayes_scores.beta_binomial import BetaBinomial
from neurotrial.models.bayes_scores.bounded_data import bounded_scores
from neurotrial.models.bayes_scores.bounded_priors import (
    BoundedPriors,
    log_odds_per_sd,
    log_odds_prior,
    membership_per_sd,
    membership_prior,
)
from neurotrial.models.bayes_scores.ordered_beta import OrderedBeta
from neurotrial.models.bayes_scores.recovery_mixture import RecoveryMixture

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.models.bayes_scores.bounded_base import BoundedModel
    from neurotrial.models.bayes_scores.bounded_data import BoundedScores
    from neurotrial.models.sentences import Direction

__all__ = ["BoundedFamily", "bounded_model"]

BoundedFamily = Literal["beta_binomial", "ordered_beta", "recovery"]


def bounded_model(
    data: pd.DataFrame,
    *,
    outcome: str,
    baseline: str,
    arm: str,
    bounds: tuple[float, float],
    family: BoundedFamily,
    effect: NormalPrior,
    plan: BayesPlan,
    direction: Direction,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    visit: str = "follow_up",
    priors: BoundedPriors | None = None,
) -> BoundedModel:
    """Return a model of a score with floor and ceiling, its data and its priors.

    Parameters
    ----------
    data : DataFrame
        One row per participant. Who misses any of the columns is left out.
    outcome, baseline, arm : str
        Columns with the score at follow-up, the score at baseline and the arm.
    bounds : tuple of float
        Lowest and highest possible score.
    family : {"beta_binomial", "ordered_beta", "recovery"}
        Whole points won out of those there are; any score with masses at the ends; or a mixture of whole points of
        participants who recover and who hardly do, which takes no covariates.
    effect : NormalPrior
        Of each compared arm, in baseline SDs; above 0 is a benefit. `neurotrial.models.bayes_scores.bounded_priors` says how
        it becomes a prior of log odds.
    plan : BayesPlan
        Its other priors, in baseline SDs, are those of reference mean, slope and covariates; the recovery mixture uses
        none of them.
    direction : {"higher_is_better", "lower_is_better"}
        Which end of the scale is the good one.
    reference : str, optional
        The arm that the others are compared with; the first by default.
    covariates : sequence of str
        Columns or formula terms.
    visit : str
        Name of the follow-up visit.
    priors : BoundedPriors, optional
        Of what only these models have.

    Returns
    -------
    BoundedModel
        A `neurotrial.models.bayes.model.BayesModel`.

    Raises
    ------
    InputError
        As `neurotrial.models.bayes_scores.bounded_data.bounded_scores`; if the family is none, or covariates are given to the
        recovery mixture.
    """
    if family not in get_args(BoundedFamily):
        raise refuse(
            "family", f"{family!r} is no family", f"use one of: {', '.join(get_args(BoundedFamily))}"
        )
    if family == "recovery" and covariates:
        rule = f"the recovery mixture takes none; got {', '.join(covariates)}"
        raise refuse("covariates", rule, "leave them out, or choose beta_binomial or ordered_beta")
    scores = bounded_scores(
        data,
        outcome=outcome,
        baseline=baseline,
        arm=arm,
        bounds=bounds,
        whole=family != "ordered_beta",
        direction=direction,
        reference=reference,
        covariates=covariates,
        visit=visit,
    )
    own = priors or BoundedPriors()
    if family == "recovery":
        return _recovery(scores, effect, own)
    per_sd = log_odds_per_sd(scores.sd, scores.centre, scores.bounds)
    prior = log_odds_prior(scores, effect, plan.others)
    if family == "beta_binomial":
        return BetaBinomial(scores, prior, (own.overdispersion,), per_sd)
    return OrderedBeta(scores, prior, (own.overdispersion, *own.floor_and_ceiling), per_sd)


def _recovery(scores: BoundedScores, effect: NormalPrior, priors: BoundedPriors) -> RecoveryMixture:
    shares = (priors.overdispersion, priors.recovery, priors.ratio)
    per_sd = membership_per_sd(scores.sd, scores.centre, scores.bounds, scores.good_end, priors.expected_gain)
    return RecoveryMixture(scores, membership_prior(scores, effect, priors), shares, per_sd)
