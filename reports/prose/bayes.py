"""What posteriors say, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS
from neurotrial.reports.effects import BAYES_LABELS
from neurotrial.reports.family import family_outcome, is_family
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import probability
from neurotrial.reports.posteriors import (
    POOLED,
    all_posteriors,
    bayes_kinds,
    bayesian_analyses,
    posteriors_of,
    prior_of,
)

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["bayes_results_text", "failed_posteriors_text"]


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
    sentences += _pooled(data, analysis)
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


def _pooled(data: CitedResults, analysis: Analysis) -> Iterator[str]:
    """Yield the effect that the outcomes are pooled towards, one sentence for each contrast."""
    if POOLED not in bayes_kinds(analysis):
        return
    n = len(data.outcomes_of(analysis))
    for effect in posteriors_of(data, analysis, family_outcome(), POOLED)["neutral"]:
        if not effect.failure:
            yield f"Pooled over the {n} outcomes ({effect.comparison}), the posterior mean under the neutral prior was {effect.text}."


def _span(effects: list[Effect]) -> str:
    chances = sorted(effect.benefit or 0.0 for effect in effects)
    low, high = probability(chances[0]), probability(chances[-1])
    return low if low == high else f"{low} to {high}"


def _overview(data: CitedResults, analysis: Analysis, kind: str) -> str:
    own = [
        effect
        for effect in all_posteriors(data, analysis)
        if effect.method in BAYES_METHODS[kind] and not is_family(effect.outcome)
    ]
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
    """Count fits, each of which holds the contrasts of all arms; that of the hierarchical model holds all outcomes."""
    return len(
        {
            ("" if effect.method in BAYES_METHODS[POOLED] else effect.outcome.name, effect.method)
            for effect in effects
        }
    )


def failed_posteriors_text(data: CitedResults) -> Markdown:
    """Return how many fits have failed; empty where none has."""
    lost = sum(
        _count_fits(effect for effect in all_posteriors(data, analysis) if effect.failure)
        for analysis in bayesian_analyses(data)
    )
    return Markdown(escape(f"Bayesian fits that failed and show no number: {lost}.") if lost else "")
