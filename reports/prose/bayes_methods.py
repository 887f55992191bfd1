"""The Bayesian models, their priors, the sampler and the evidence that is asked of a fit, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.reports.cited import derived
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.number_format import plain, probability, whole
from neurotrial.reports.posteriors import POOLED, bayes_kinds, bayesian_analyses
from neurotrial.reports.tables.bayes_priors import historical_words

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.reports.cited import CitedResults

__all__ = ["bayes_methods_text"]

_MODELS = {
    "bayes_ancova": "Bayesian ANCOVA: follow-up is normal about a line in baseline, with an effect of the arm.",
    "bayes_group_time": "Bayesian group × time: baseline and follow-up are correlated normal values, each arm with its mean at "
    "each visit; participants with one of the two visits stay in; the effect is the difference between arms in the change.",
    POOLED: "Bayesian hierarchical model: the outcomes at follow-up are correlated normal values, each about a line in its baseline; "
    "their effects, in baseline SDs and oriented to benefit, are pooled towards one effect, by a spread that the data estimate; "
    "participants who miss an outcome stay in the others.",
}
_BOUNDED = {
    "beta_binomial": "the points won follow a beta-binomial distribution, with a logistic line in baseline and an effect of the arm",
    "ordered_beta": "the score lies at the floor, at the ceiling or between as in ordered beta regression, with a logistic line in "
    "baseline and an effect of the arm",
    "recovery": "participants are a mixture of those who regain a share of what they lack and those who hardly do, and the arm "
    "acts on the odds of being one of the former",
}
_JOINT = (
    "Joint changes: both outcomes at both visits are correlated normal values; reported are the partial correlation of the follow-ups "
    "and the slope of the one on the other, in participants of one arm with the same baselines, so that no noisy difference is formed."
)
_LARGE = 0.5
"""A large effect in baseline SDs, by which a prior is told in words."""

_KINDS = {"eti": "equal-tailed", "hdi": "highest-density"}


def bayes_methods_text(data: CitedResults) -> Markdown | None:
    """Return models, scale, priors, sampler and what a fit must reach, or None without Bayesian analyses.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown or None
    """
    plan, analyses = data.study.bayes, bayesian_analyses(data)
    joint = [part.label for part in data.study.associations if part.bayes]
    if plan is None or not (analyses or joint):
        return None
    kinds = list(dict.fromkeys(kind for analysis in analyses for kind in bayes_kinds(analysis)))
    models = " ".join([*(_model(kind, plan) for kind in kinds), *([_JOINT] if joint else [])])
    labels = listing([analysis.label for analysis in analyses] + joint)
    scale = (
        "Values are standardised: less the mean at baseline, divided by the baseline SD pooled over the arms."
    )
    words = f"(in: {labels}). {models} {scale}{_tails(plan)}"
    return paragraphs(
        f"**Bayesian analyses** {escape(words)} {_priors(plan)}{_historical(data, plan)} {_reported(data, plan)}",
        _sampling(data, plan, {*kinds, *(["joint"] if joint else [])}),
        _evidence(),
    )


def _model(kind: str, plan: BayesPlan) -> str:
    if kind != "bayes_bounded":
        return _MODELS[kind]
    return (
        f"Bayesian bounded score: {_BOUNDED[plan.bounded]}; the effect is the difference of the mean expected scores of all "
        "participants in the one arm and in the other, in points."
    )


def _tails(plan: BayesPlan) -> str:
    if plan.residuals != "student":
        return ""
    return " Residuals of the normal models follow Student’s t distribution, with degrees of freedom that the data estimate."


def _reported(data: CitedResults, plan: BayesPlan) -> str:
    level = f"{100 * data.study.conf_level:.4g} %"
    outcomes = (outcome for analysis in bayesian_analyses(data) for outcome in data.outcomes_of(analysis))
    beyond = (
        "for outcomes with a minimal clinically important difference the probability of a benefit beyond it, "
        if any(outcome.mcid for outcome in outcomes)
        else ""
    )
    words = (
        f"Reported are the posterior mean, the {level} {_KINDS[plan.interval]} credible interval, the probability of benefit, "
        f"which is the posterior probability of a difference in the declared direction, {beyond}and that of a difference of less than "
        f"{plain(plan.rope)} baseline SD either way, the region of practical equivalence"
    )
    return f"{escape(words)} [@kruschke2018]."


def _priors(plan: BayesPlan) -> str:
    sets = listing(f"{name} ({_meaning(getattr(plan.effect, name))})" for name in PRIOR_SETS)
    words = f"The effect has three normal priors in baseline SDs, where above 0 is a benefit: {sets}"
    return f"{escape(words)} [@spiegelhalter1994]; all other priors are weakly informative and declared in the study file."


def _meaning(prior: NormalPrior) -> str:
    """Return a prior by its numbers and by what it holds likely before the data are seen."""
    from statistics import NormalDist

    believed = NormalDist(prior.mean, prior.sd)
    benefit, large = (
        probability(derived(f"prior probability above {size:g} SD", 1 - believed.cdf(size)))
        for size in (0.0, _LARGE)
    )
    return (
        f"mean {plain(prior.mean)}, SD {plain(prior.sd)}: a benefit has a probability of {benefit}, "
        f"one above {plain(_LARGE)} SD of {large}"
    )


def _historical(data: CitedResults, plan: BayesPlan) -> str:
    """Return how published control arms enter, with their sources in the table of priors."""
    if not plan.historical:
        return ""
    parts = "; ".join(
        f"{data.study.outcome(part.outcome).label}: {historical_words(part)}" for part in plan.historical
    )
    sources = {"map": "schmidli2014", "power": "ibrahim2000"}
    cited = "; ".join(
        f"@{sources[method]}" for method in dict.fromkeys(part.method for part in plan.historical)
    )
    return (
        f" {escape(f'The mean of the reference arm has a prior from published trials ({parts})')} [{cited}]."
    )


def _sampling(data: CitedResults, plan: BayesPlan, kinds: Collection[str]) -> str:
    accept, sampling = plan.accept, plan.sampling
    names = list(dict.fromkeys(str(row["sampler"]) for row in data.rows("diagnostics")))
    made = f" of {escape(listing(names))}" if names else ""
    again = (
        f"A fit that did not was sampled again with smaller steps and twice the draws; one that did not in {accept.attempts} "
        "attempts is reported as failed, without numbers."
        if accept.attempts > 1
        else "A fit that did not is reported as failed, without numbers."
    )
    return (
        f"Posteriors were sampled by the No-U-Turn sampler [@hoffman2014]{made} from models in PyMC [@abrilpla2023], in "
        f"{sampling.chains} chains of {whole(sampling.draws)} draws after {whole(sampling.tune)} of warm-up, and judged with ArviZ "
        f"[@kumar2019].{''.join(_cited(kinds))} Every parameter had to reach a rank-normalised R-hat of at most {plain(accept.rhat)} and at least "
        f"{whole(accept.ess)} effective draws in centre and tails [@vehtari2021], the chains a Bayesian fraction of missing information of at least "
        f"{plain(accept.bfmi)}, without divergent transitions. {again}"
    )


def _cited(kinds: Collection[str]) -> Iterator[str]:
    if {"bayes_group_time", POOLED, "joint"} & set(kinds):
        yield " The prior of correlations is that of LKJ [@lewandowski2009]."
    if POOLED in kinds:
        yield " Pooling draws the outcomes’ effects towards each other, which guards against chance findings [@gelman2012]."


def _evidence() -> str:
    return (
        "With each fit go its evidence: leave-one-out prediction of participants by Pareto-smoothed importance sampling, with a fit "
        "without each participant whose weights were not reliable [@vehtari2017]; the sensitivity of the effect to scaling of prior "
        "and likelihood [@kallioinen2024]; and predictive checks."
    )
