"""The Bayesian part of the study file: models, priors on a standardised scale, the sampler and what it must reach."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurotrial.study_part import Name, Part, Text

__all__ = [
    "BAYES_METHODS",
    "FAMILY",
    "PRIOR_SETS",
    "Acceptance",
    "BayesPlan",
    "EffectPriors",
    "HistoricalControls",
    "NormalPrior",
    "NuisancePriors",
    "PublishedArm",
    "SamplingPlan",
]

PRIOR_SETS = ("sceptical", "neutral", "enthusiastic")
"""The sets of priors of the arm effect, each of which gives a row of estimates."""

BAYES_METHODS = {
    method: tuple(f"{method}_{prior}" for prior in PRIOR_SETS)
    for method in ("bayes_ancova", "bayes_group_time", "bayes_bounded", "bayes_outcomes")
}
"""Each Bayesian method that an analysis may name, with its rows of estimates, in the order of `PRIOR_SETS`."""

_Location = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
_Scale = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
"""A scale of 0 is no prior but a value, one without an end is improper: neither is taken."""
_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


FAMILY = "family"
"""The outcome of the rows that tell of the effect that all outcomes of an analysis are pooled towards."""


class NormalPrior(Part):
    """A normal prior; mean and SD in baseline SDs."""

    mean: _Location = 0.0
    sd: _Scale


class EffectPriors(Part):
    """Priors of the effect of an arm against the reference, in baseline SDs, oriented: above 0 is a benefit.

    Attributes
    ----------
    sceptical : NormalPrior
        By default an effect above 0.5 SD has a probability of 0.05.
    neutral : NormalPrior
        Centred on no effect and wide.
    enthusiastic : NormalPrior
        By default centred on 0.5 SD, and harm has a probability of 0.05.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Parmar MKB. J R Stat Soc A 1994;157:357-416. https://doi.org/10.2307/2983527
    """

    sceptical: NormalPrior = NormalPrior(mean=0.0, sd=0.3)
    neutral: NormalPrior = NormalPrior(mean=0.0, sd=2.0)
    enthusiastic: NormalPrior = NormalPrior(mean=0.5, sd=0.3)


class NuisancePriors(Part):
    """Priors of everything but the effect, in baseline SDs.

    Attributes
    ----------
    intercept_sd : float
        SD of the normal prior, centred on 0, of the mean of the reference arm, of a participant with mean baseline and
        mean covariates, less the mean of baseline.
    slope : NormalPrior
        Follow-up on baseline (analysis of covariance alone).
    covariate_sd : float
        SD of the normal prior, centred on 0, of the slope of a covariate over its own SD.
    imbalance_sd : float
        SD of the normal prior, centred on 0, of the difference between arms at baseline (group x time alone).
    residual_sd : float
        Scale of the half-normal prior of a residual SD.
    correlation_eta : float
        LKJ parameter of the correlation of two visits (group x time alone); 1 is uniform, more favours 0.
    pooling_sd : float
        Scale of the half-normal prior of the SD between the effects on several outcomes (hierarchical model alone).
    tail_shape, tail_rate : float
        Gamma prior of the degrees of freedom above 2 of Student-t residuals (`residuals: student` alone): from 2 on,
        so that residuals have a variance.

    References
    ----------
    Gelman A. Bayesian Anal 2006;1:515-534. https://doi.org/10.1214/06-BA117A
    Juarez MA, Steel MFJ. J Bus Econ Stat 2010;28:52-66. https://doi.org/10.1198/jbes.2009.07145
    """

    intercept_sd: _Scale = 2.0
    slope: NormalPrior = NormalPrior(mean=0.5, sd=1.0)
    covariate_sd: _Scale = 1.0
    imbalance_sd: _Scale = 1.0
    residual_sd: _Scale = 1.5
    correlation_eta: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 1.0
    pooling_sd: _Scale = 0.3
    tail_shape: _Scale = 2.0
    tail_rate: _Scale = 0.1


class PublishedArm(Part):
    """The control arm of a published trial, in the unit of the outcome.

    Attributes
    ----------
    source : str
        Where it is published; shown in the reports.
    n : int
        Participants with both visits.
    mean_change, sd_change : float
        Mean and SD of follow-up less baseline, as the scale runs: not turned to the sign of a benefit.
    """

    source: Text
    n: Annotated[int, Field(ge=2, le=1_000_000)]
    mean_change: Annotated[float, Field(allow_inf_nan=False)]
    sd_change: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class HistoricalControls(Part):
    """Published control arms as the prior of the reference arm's mean change in one outcome.

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    method : {"map", "power"}
        Meta-analytic-predictive prior, or power prior.
    tau_scale : float
        Scale of the half-normal prior of the SD between trials, in baseline SDs (method map alone).
    power : float, optional
        Discount of each published participant, in (0, 1] (method power alone, where it must be given).
    robust_weight : float
        Weight of the published arms, in (0, 1]; the rest is that of the prior without them.
    arms : list of PublishedArm
        At least one.

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032. https://doi.org/10.1111/biom.12242
    Ibrahim JG, Chen MH. Stat Sci 2000;15:46-60. https://doi.org/10.1214/ss/1009212673
    """

    outcome: Name
    method: Literal["map", "power"]
    tau_scale: _Scale = 0.5
    power: _Share | None = None
    robust_weight: _Share = 0.8
    arms: Annotated[list[PublishedArm], Field(min_length=1, max_length=100)]


class SamplingPlan(Part):
    """The sampler: chains, kept draws and warm-up of each, and the acceptance rate that the step size aims at."""

    chains: Annotated[int, Field(ge=2, le=32)] = 4
    draws: Annotated[int, Field(ge=200, le=100_000)] = 1000
    tune: Annotated[int, Field(ge=200, le=100_000)] = 500
    target_accept: Annotated[float, Field(ge=0.6, lt=1)] = 0.9


class Acceptance(Part):
    """What every parameter of a fit must reach; divergent transitions are never accepted.

    Attributes
    ----------
    rhat : float
        Largest rank-normalised R-hat.
    ess : float
        Fewest effective draws, for the centre and for the tails.
    bfmi : float
        Smallest estimated Bayesian fraction of missing information of a chain.
    attempts : int
        How often a fit is tried, each time with smaller steps and twice the draws, before it is reported as failed.

    References
    ----------
    Vehtari A et al. Bayesian Anal 2021;16:667-718. https://doi.org/10.1214/20-BA1221
    Betancourt M. 2017. https://doi.org/10.48550/arXiv.1701.02434
    """

    rhat: Annotated[float, Field(gt=1, le=1.1)] = 1.01
    ess: Annotated[float, Field(ge=100, allow_inf_nan=False)] = 400.0
    bfmi: Annotated[float, Field(gt=0, lt=1)] = 0.3
    attempts: Annotated[int, Field(ge=1, le=5)] = 3


class BayesPlan(Part):
    """Priors, interval and sampler of every Bayesian method.

    Attributes
    ----------
    effect : EffectPriors
        The three sets of the arm effect.
    others : NuisancePriors
        Everything else.
    residuals : {"gaussian", "student"}
        Distribution of residuals.
    bounded : {"beta_binomial", "ordered_beta", "recovery"}
        The model of the method bayes_bounded.
    rope : float
        Half-width of the region of practical equivalence about no effect, in baseline SDs, above 0.
    historical : list of HistoricalControls
        Published control arms, each outcome at most once.
    interval : {"eti", "hdi"}
        Equal-tailed interval or highest density interval, at the study's confidence level.
    sampling : SamplingPlan
        The sampler.
    accept : Acceptance
        What a fit must reach.

    References
    ----------
    Kruschke JK. Adv Methods Pract Psychol Sci 2018;1:270-280. https://doi.org/10.1177/2515245918771304
    """

    effect: EffectPriors = Field(default_factory=EffectPriors)
    others: NuisancePriors = Field(default_factory=NuisancePriors)
    residuals: Literal["gaussian", "student"] = "gaussian"
    bounded: Literal["beta_binomial", "ordered_beta", "recovery"] = "beta_binomial"
    rope: _Scale = 0.1
    historical: list[HistoricalControls] = Field(default_factory=list)
    interval: Literal["eti", "hdi"] = "eti"
    sampling: SamplingPlan = Field(default_factory=SamplingPlan)
    accept: Acceptance = Field(default_factory=Acceptance)
