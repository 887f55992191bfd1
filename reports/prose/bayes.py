"""What posteriors say and what they rest on, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.reports.effects import BAYES_LABELS
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.number_format import plain, probability, whole
from neurotrial.reports.posteriors import (
    all_posteriors,
    bayes_kinds,
    bayesian_analyses,
    posteriors_of,
    prior_of,
)

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, NormalPrior
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["bayes_methods_text", "bayes_results_text", "failed_posteriors_text"]

_MODELS = {
    "bayes_ancova": "Bayesian ANCOVA: follow-up is normal about a line in baseline, with an effect of the arm.",
    "bayes_group_time": "Bayesian group × time: baseline and follow-up are correlated normal values, each arm with its mean at "
    "each visit; the effect is the difference between arms in the change.",
}
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
    if plan is None or not analyses:
        return None
    kinds = dict.fromkeys(kind for analysis in analyses for kind in bayes_kinds(analysis))
    models = " ".join(_MODELS[kind] for kind in kinds)
    labels = listing(analysis.label for analysis in analyses)
    scale = (
        "Values are standardised: less the mean at baseline, divided by the baseline SD pooled over the arms."
    )
    return paragraphs(
        f"**Bayesian analyses** {escape(f'(in: {labels}). {models} {scale}')} {_priors(plan)} {escape(_reported(data, plan))}",
        _sampling(data, plan, kinds),
    )


def _reported(data: CitedResults, plan: BayesPlan) -> str:
    level = f"{100 * data.study.conf_level:.4g} %"
    outcomes = (outcome for analysis in bayesian_analyses(data) for outcome in data.outcomes_of(analysis))
    beyond = (
        ", and for outcomes with a minimal clinically important difference the probability of a benefit beyond it"
        if any(outcome.mcid for outcome in outcomes)
        else ""
    )
    return (
        f"Reported are the posterior mean, the {level} {_KINDS[plan.interval]} credible interval and the probability of benefit, "
        f"which is the posterior probability of a difference in the declared direction{beyond}."
    )


def _priors(plan: BayesPlan) -> str:
    sets = listing(f"{name} ({_meaning(getattr(plan.effect, name))})" for name in PRIOR_SETS)
    words = f"The effect has three normal priors in baseline SDs, where above 0 is a benefit: {sets}"
    return f"{escape(words)} [@spiegelhalter1994]; all other priors are weakly informative and declared in the study file."


def _meaning(prior: NormalPrior) -> str:
    """Return a prior by its numbers and by what it holds likely before the data are seen."""
    from statistics import NormalDist

    believed = NormalDist(prior.mean, prior.sd)
    benefit, large = (probability(1 - believed.cdf(size)) for size in (0.0, _LARGE))
    return (
        f"mean {plain(prior.mean)}, SD {plain(prior.sd)}: a benefit has a probability of {benefit}, "
        f"one above {plain(_LARGE)} SD of {large}"
    )


def _sampling(data: CitedResults, plan: BayesPlan, kinds: dict[str, None]) -> str:
    accept, sampling = plan.accept, plan.sampling
    names = list(dict.fromkeys(str(row["sampler"]) for row in data.rows("diagnostics")))
    made = f" of {escape(listing(names))}" if names else ""
    lkj = " The correlation has an LKJ prior [@lewandowski2009]." if "bayes_group_time" in kinds else ""
    again = (
        f"A fit that did not was sampled again with smaller steps and twice the draws; one that did not in {accept.attempts} "
        "attempts is reported as failed, without numbers."
        if accept.attempts > 1
        else "A fit that did not is reported as failed, without numbers."
    )
    return (
        f"Posteriors were sampled by the No-U-Turn sampler [@hoffman2014]{made} from models in PyMC [@abrilpla2023], in "
        f"{sampling.chains} chains of {whole(sampling.draws)} draws after {whole(sampling.tune)} of warm-up, and judged with ArviZ "
        f"[@kumar2019].{lkj} Every parameter had to reach a rank-normalised R-hat of at most {plain(accept.rhat)} and at least "
        f"{whole(accept.ess)} effective draws in centre and tails [@vehtari2021], the chains an E-BFMI of at least "
        f"{plain(accept.bfmi)}, without divergent transitions. {again}"
    )


def bayes_results_text(data: CitedResults, analysis: Analysis) -> Markdown:
    """Return what the posteriors of an analysis say: each outcome of a primary one, the others by their range.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Markdown
    """
    outcomes = data.outcomes_of(analysis)
    if analysis.role == "primary":
        sentences = [
            sentence
            for outcome in outcomes
            for kind in bayes_kinds(analysis)
            for sentence in _sentences(data, analysis, outcome, kind)
        ]
    else:
        sentences = [_overview(data, analysis, kind) for kind in bayes_kinds(analysis)]
    return Markdown(" ".join(escape(sentence) for sentence in sentences))


def _sentences(data: CitedResults, analysis: Analysis, outcome: Outcome, kind: str) -> Iterator[str]:
    by_prior = posteriors_of(data, analysis, outcome, kind)
    for place, shown in enumerate(by_prior["neutral"]):
        own = {prior: found[place] for prior, found in by_prior.items()}
        usable = [effect for effect in own.values() if not effect.failure]
        lost = [prior for prior, effect in own.items() if effect.failure]
        what = f"{BAYES_LABELS[kind]}, {outcome.label} ({shown.comparison})"
        if not shown.failure:
            yield f"{what}: under the neutral prior the posterior mean was {shown.text}."
        if lost:
            many = (
                "fits under the {} priors failed and show"
                if len(lost) > 1
                else "fit under the {} prior failed and shows"
            )
            yield f"{what}: the {many.format(listing(lost))} no number."
        if usable:
            yield f"Over the {'other ' if lost else ''}priors, the probability of benefit was {_span(usable)}."
        if len({effect.favoured for effect in usable}) > 1:
            yield "The posterior means under these priors do not favour the same arm."


def _span(effects: list[Effect]) -> str:
    chances = sorted(effect.benefit or 0.0 for effect in effects)
    low, high = probability(chances[0]), probability(chances[-1])
    return low if low == high else f"{low} to {high}"


def _overview(data: CitedResults, analysis: Analysis, kind: str) -> str:
    own = [effect for effect in all_posteriors(data, analysis) if effect.method in BAYES_METHODS[kind]]
    usable = [effect for effect in own if prior_of(effect.method) == "neutral" and not effect.failure]
    lost = _count_fits(effect for effect in own if effect.failure)
    failed = f" Fits that failed and show no number: {lost} of {_count_fits(own)}." if lost else ""
    if not usable:
        return f"{BAYES_LABELS[kind]}, {analysis.label}: no posterior under the neutral prior.{failed}"
    excluding = sum(bool(effect.excludes_null) for effect in usable)
    return (
        f"{BAYES_LABELS[kind]}, {analysis.label}: under the neutral prior the probability of benefit was {_span(usable)} over "
        f"{len(usable)} contrasts; intervals that exclude 0: {excluding}.{failed}"
    )


def _count_fits(effects: Iterable[Effect]) -> int:
    """Count fits, each of which holds the contrasts of all arms."""
    return len({(effect.outcome.name, effect.method) for effect in effects})


def failed_posteriors_text(data: CitedResults) -> Markdown:
    """Return how many fits have failed; empty where none has."""
    lost = sum(
        _count_fits(effect for effect in all_posteriors(data, analysis) if effect.failure)
        for analysis in bayesian_analyses(data)
    )
    return Markdown(escape(f"Bayesian fits that failed and show no number: {lost}.") if lost else "")
