"""What posteriors say and what they rest on, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.reports.effects import BAYES_LABELS
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs
from neurotrial.reports.number_format import plain, probability, whole
from neurotrial.reports.posteriors import bayes_kinds, bayesian_analyses, posteriors_of

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["bayes_methods_text", "bayes_results_text", "failed_posteriors_text"]

_MODELS = {
    "bayes_ancova": "Bayesian ANCOVA: follow-up is normal about a line in baseline, with an effect of the arm.",
    "bayes_group_time": "Bayesian group × time: baseline and follow-up are correlated normal values, each arm with its mean at "
    "each visit; the effect is the difference between arms in the change.",
}
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
    models = " ".join(escape(_MODELS[kind]) for kind in kinds)
    labels = escape(listing(analysis.label for analysis in analyses))
    return paragraphs(
        f"**Bayesian analyses** (of: {labels}). {models} Values are standardised: less the mean of baseline, over the baseline SD "
        f"pooled over the arms. {_priors(plan)} Given are posterior mean, {_KINDS[plan.interval]} credible interval and the "
        "probability of benefit, which is the posterior probability of a difference in the declared direction.",
        _sampling(data, plan, kinds),
    )


def _priors(plan: BayesPlan) -> str:
    sets = (
        f"{name} (normal, mean {plain(prior.mean)}, SD {plain(prior.sd)})"
        for name, prior in ((name, getattr(plan.effect, name)) for name in PRIOR_SETS)
    )
    words = f"The effect has three priors in baseline SDs, above 0 a benefit: {listing(sets)}"
    return f"{escape(words)} [@spiegelhalter1994]; all others are weakly informative and declared in the study file."


def _sampling(data: CitedResults, plan: BayesPlan, kinds: dict[str, None]) -> str:
    accept, sampling = plan.accept, plan.sampling
    names = list(dict.fromkeys(str(row["sampler"]) for row in data.rows("diagnostics"))) or ["the sampler"]
    lkj = " The correlation has an LKJ prior [@lewandowski2009]." if "bayes_group_time" in kinds else ""
    tries = f"{accept.attempts} attempts" if accept.attempts > 1 else "one attempt"
    return (
        f"Posteriors were sampled by the No-U-Turn sampler [@hoffman2014] of {escape(listing(names))} from models in PyMC "
        f"[@abrilpla2023], in {sampling.chains} chains of {whole(sampling.draws)} draws after {whole(sampling.tune)} of warm-up, and "
        f"judged with ArviZ [@kumar2019].{lkj} Every parameter had to reach a rank-normalised R-hat of at most "
        f"{plain(accept.rhat)} and at least {whole(accept.ess)} effective draws in centre and tails [@vehtari2021], the chains an "
        f"E-BFMI of at least {plain(accept.bfmi)}, without divergent transitions. A fit that did not was sampled again with smaller "
        f"steps and twice the draws, and after {tries} is reported as failed, without numbers."
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
        others = [found[place] for found in by_prior.values()]
        what = f"{BAYES_LABELS[kind]}, {outcome.label} ({shown.comparison})"
        usable = [effect for effect in others if not effect.failure]
        if not shown.failure:
            yield f"{what}: under the neutral prior the posterior mean was {shown.text}."
        if usable:
            yield f"Over the priors, the probability of benefit was {_span(usable)}."
        if len(usable) < len(others):
            lost = len(others) - len(usable)
            yield f"{what}: {lost} of {len(others)} fits failed and show no number."
        if len({effect.favoured for effect in usable}) > 1:
            yield "The priors disagree on the side that the data favour."


def _span(effects: list[Effect]) -> str:
    chances = sorted(effect.benefit or 0.0 for effect in effects)
    low, high = probability(chances[0]), probability(chances[-1])
    return low if low == high else f"{low} to {high}"


def _overview(data: CitedResults, analysis: Analysis, kind: str) -> str:
    shown = [
        effect
        for outcome in data.outcomes_of(analysis)
        for effect in posteriors_of(data, analysis, outcome, kind)["neutral"]
    ]
    usable = [effect for effect in shown if not effect.failure]
    lost = len(shown) - len(usable)
    failed = f" {lost} of {len(shown)} fits failed and show no number." if lost else ""
    if not usable:
        return f"{BAYES_LABELS[kind]}:{failed or ' nothing was fitted.'}"
    excluding = sum(bool(effect.excludes_null) for effect in usable)
    return (
        f"{BAYES_LABELS[kind]}, {analysis.label}: under the neutral prior the probability of benefit was {_span(usable)} over "
        f"{len(usable)} contrasts; intervals that exclude 0: {excluding}.{failed}"
    )


def failed_posteriors_text(data: CitedResults) -> str:
    """Return how many fits have failed; empty where none has."""
    rows = [
        row for row in data.rows("estimates", status="failed") if row.values["method"].startswith("bayes_")
    ]
    return escape(f"Bayesian fits that failed and show no number: {len(rows)}.") if rows else ""
