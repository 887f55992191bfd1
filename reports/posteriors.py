"""The posteriors of a study: which analyses have them, by model and prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.reports.family import family_outcome

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = [
    "NORMAL_95",
    "POOLED",
    "all_posteriors",
    "bayes_kinds",
    "bayesian_analyses",
    "counterpart",
    "normal_range",
    "posterior_outcomes",
    "posteriors_of",
    "prior_of",
]

NORMAL_95 = 1.959963984540054
"""The quantile at 97.5 % of a standard normal distribution, and at 95 % of a half-normal one."""

POOLED = "bayes_outcomes"
"""The method whose fit holds all outcomes of an analysis."""

_ANCOVA = ("ancova_hc3", "ancova_ols")
_COUNTERPARTS = {
    "bayes_ancova": _ANCOVA,
    "bayes_group_time": ("mmrm_group_time",),
    "bayes_bounded": ("fractional_logit_points", *_ANCOVA),
    POOLED: _ANCOVA,
}
"""The frequentist estimates of the same effect, the nearest one first."""


def bayes_kinds(analysis: Analysis) -> list[str]:
    """Return the Bayesian methods of an analysis."""
    return [kind for kind in BAYES_METHODS if kind in analysis.methods]


def bayesian_analyses(data: CitedResults) -> list[Analysis]:
    """Return the analyses that have any."""
    return [analysis for analysis in data.study.analyses if bayes_kinds(analysis)]


def posterior_outcomes(data: CitedResults, analysis: Analysis) -> list[Outcome]:
    """Return the outcomes of an analysis, and the effect that they are pooled towards where there is one."""
    pooled = [family_outcome()] if POOLED in analysis.methods else []
    return [*data.outcomes_of(analysis), *pooled]


def posteriors_of(
    data: CitedResults, analysis: Analysis, outcome: Outcome, kind: str
) -> dict[str, list[Effect]]:
    """Return the effects of a Bayesian method by prior, one for each contrast."""
    return {
        prior: data.effects(analysis.name, outcome.name, method)
        for prior, method in zip(PRIOR_SETS, BAYES_METHODS[kind], strict=True)
    }


def all_posteriors(data: CitedResults, analysis: Analysis) -> list[Effect]:
    """Return every posterior of an analysis: by outcome, method, prior and contrast."""
    return [
        effect
        for outcome in posterior_outcomes(data, analysis)
        for kind in bayes_kinds(analysis)
        for found in posteriors_of(data, analysis, outcome, kind).values()
        for effect in found
    ]


def prior_of(method: str) -> str:
    """Return the prior set of a Bayesian estimate."""
    return method.rpartition("_")[2]


def counterpart(data: CitedResults, analysis: Analysis, outcome: Outcome, kind: str) -> list[Effect]:
    """Return the frequentist estimates of the same effect, by the nearest method that there is; of two ANCOVAs the main one.

    A pooled effect has none.
    """
    main = analysis.main_method
    methods = sorted(_COUNTERPARTS[kind], key=lambda method: method in _ANCOVA and method != main)
    found = (data.effects(analysis.name, outcome.name, method) for method in methods)
    return next((effects for effects in found if effects), [])


def normal_range(mean: float, sd: float) -> tuple[float, float]:
    """Return the central 95 % of a normal distribution."""
    return mean - NORMAL_95 * sd, mean + NORMAL_95 * sd
