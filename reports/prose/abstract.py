"""The abstract's methods and results in a few sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.effects import method_label
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import whole
from neurotrial.reports.prose.counts import analysed_span
from neurotrial.reports.prose.results import effect_sentence

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["abstract_methods", "abstract_results"]


def abstract_methods(data: CitedResults) -> Markdown:
    """Return arms, primary outcome and main estimator in two sentences."""
    analysis = data.primary
    _, visit = data.estimand_visit(analysis)
    arms = listing(arm.label for arm in data.study.arms)
    outcomes = listing(outcome.label for outcome in data.outcomes_of(analysis))
    words = (
        f"Participants were randomised to {arms}. The primary outcome was {outcomes} at {visit}, compared by "
        f"{method_label(analysis.main_method)}, in the population {data.study.population_of(analysis).label}."
    )
    return Markdown(escape(words))


def abstract_results(data: CitedResults) -> Markdown:
    """Return numbers randomised and analysed, the primary contrasts, and adverse events if they were recorded."""
    analysis = data.primary
    _, visit = data.estimand_visit(analysis)
    effects = [
        effect_sentence(effect, visit)
        for outcome in data.outcomes_of(analysis)
        for effect in data.effects(analysis.name, outcome.name, analysis.main_method)
    ]
    harms = [
        f"{whole(row['n_serious'])} serious adverse events ({data.arm_label(row.values['arm'])})"
        for row in data.rows("harms_summary", term="any")
    ]
    analysed = (
        f"{analysed_span(data, analysis)} of {data.n_randomised()} randomised participants were analysed."
    )
    safety = [f"There were {listing(harms)}."] if harms else []
    return Markdown(escape(" ".join([analysed, *effects, *safety])))
