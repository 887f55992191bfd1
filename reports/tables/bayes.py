"""Posteriors beside their frequentist counterparts: in short for the manuscript, every prior for the supplement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import (
    counts_cell,
    counts_note,
    directions,
    effect_cell,
    failure_notes,
    interval_notes,
)
from neurotrial.reports.effects import BAYES_LABELS, capitalised, method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, p_cell, plain, probability
from neurotrial.reports.posteriors import bayes_kinds, counterpart, posterior_outcomes, posteriors_of
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["every_prior_table", "posterior_table"]

Row = dict[str, str]
_SHOWN = "neutral"


def posterior_table(data: CitedResults, analysis: Analysis) -> Tabulation:
    """Return one row for each outcome and model: the posterior under the neutral prior, and what the priors change.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Tabulation
        Estimate with interval, probability of benefit under each prior, and those beyond the MCID and within the region
        of practical equivalence where there is one.
    """
    rows: list[Row] = []
    effects: list[Effect] = []
    several = len(data.comparisons) > 1
    for outcome in posterior_outcomes(data, analysis):
        for kind in bayes_kinds(analysis):
            by_prior = posteriors_of(data, analysis, outcome, kind)
            for place, shown in enumerate(by_prior[_SHOWN]):
                others = {prior: found[place] for prior, found in by_prior.items()}
                rows.append(_short_row(kind, shown, others, several=several))
                effects += others.values()
    labels = {"model": "Model", "effect": "Posterior mean, interval"}
    labels |= {prior: capitalised(prior) for prior in ("sceptical", "neutral", "enthusiastic")}
    labels |= _chance_labels(effects)
    spanners = [("Probability of benefit by prior", ["sceptical", "neutral", "enthusiastic"])]
    table = make_table(
        f"bayes-{analysis.name}".replace("_", "-"),
        rows,
        labels,
        spanners=spanners,
        row_label="model",
        group="outcome",
        notes=_short_notes(data, effects),
    )
    caption = (
        f"{escape(analysis.label)}: posteriors of the differences between arms under the {_SHOWN} prior."
    )
    return Tabulation(f"bayes-{analysis.name}".replace("_", "-"), table, Markdown(caption))


def _short_row(kind: str, shown: Effect, others: dict[str, Effect], *, several: bool) -> Row:
    outcome = shown.outcome
    label = f"{outcome.label}, {outcome.unit}"
    return {
        "outcome": f"{label}: {shown.comparison}" if several else label,
        "model": BAYES_LABELS[kind],
        "effect": "failed" if shown.failure else effect_cell(shown),
        "mcid": probability(shown.important),
        "rope": probability(shown.equivalent),
        **{prior: _chance(effect) for prior, effect in others.items()},
    }


def _chance(effect: Effect) -> str:
    return "failed" if effect.failure else probability(effect.benefit)


def _chance_labels(effects: list[Effect]) -> dict[str, str]:
    """Return the columns of further probabilities that some row has."""
    labels = {"mcid": "P(> MCID)"} if any(effect.important is not None for effect in effects) else {}
    return labels | ({"rope": "P(ROPE)"} if any(effect.equivalent is not None for effect in effects) else {})


def _chance_notes(data: CitedResults, effects: list[Effect], under: str = "") -> Iterator[str]:
    """Yield what the columns of `_chance_labels` mean; ``under`` names the prior where all are of one."""
    labels = _chance_labels(effects)
    if "mcid" in labels:
        yield f"P(> MCID): probability of a benefit beyond the minimal clinically important difference{under}."
    if "rope" in labels and data.study.bayes is not None:
        yield (
            f"P(ROPE): probability of a difference of less than {plain(data.study.bayes.rope)} baseline SD either way, the region "
            f"of practical equivalence{under}."
        )


def _short_notes(data: CitedResults, effects: list[Effect]) -> Iterator[str]:
    comparisons = dict.fromkeys(effect.comparison for effect in effects if effect.reference)
    yield f"Estimate: {'; '.join(comparisons) or 'between the arms'}; {_SHOWN} prior."
    yield from dict.fromkeys(
        f"Interval: {effect.interval_name}." for effect in effects if effect.has_interval
    )
    yield directions({effect.outcome.name: effect.outcome for effect in effects}.values())
    yield from _chance_notes(data, effects, f", {_SHOWN} prior")
    yield from failure_notes(effects)


def every_prior_table(data: CitedResults, analysis: Analysis) -> Tabulation:
    """Return every posterior of an analysis, each group of priors below its frequentist counterpart.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Tabulation
        One row for each outcome, model, prior and contrast.
    """
    several = len(data.comparisons) > 1
    effects = [
        effect for outcome in posterior_outcomes(data, analysis) for effect in _all(data, analysis, outcome)
    ]
    labels = {
        "method": "Estimator",
        "prior": "Prior",
        "n": "n",
        "effect": "Estimate, interval",
        "p": "p",
    }
    labels |= {"benefit": "P(benefit)"} | _chance_labels(effects)
    rows = [_full_row(data, effect, several=several) for effect in effects]
    name = f"priors-{analysis.name}".replace("_", "-")
    table = make_table(
        name, rows, labels, row_label="method", group="outcome", notes=_full_notes(data, effects)
    )
    caption = f"{escape(analysis.label)}: posteriors under every prior, below the frequentist estimate of the same effect."
    return Tabulation(name, table, Markdown(caption))


def _all(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Effect]:
    """Yield frequentist estimates, each once, above the posteriors that they correspond to."""
    shown: set[str] = set()
    for kind in bayes_kinds(analysis):
        alike = counterpart(data, analysis, outcome, kind)
        yield from (effect for effect in alike if effect.key not in shown)
        shown |= {effect.key for effect in alike}
        for found in posteriors_of(data, analysis, outcome, kind).values():
            yield from found


def _full_row(data: CitedResults, effect: Effect, *, several: bool) -> Row:
    label = f"{effect.outcome.label}, {effect.outcome.unit}"
    row = data.row("diagnostics", f"diagnostics/{effect.key}")
    prior = f"{plain(row['prior_mean'])} ({plain(row['prior_sd'])})" if row is not None else MISSING
    return {
        "outcome": f"{label}: {effect.comparison}" if several else label,
        "method": capitalised(method_label(effect.method)),
        "prior": prior,
        "n": counts_cell(effect, data.study.arms),
        "effect": "failed" if effect.failure else effect_cell(effect),
        "p": p_cell(effect.p),
        "benefit": probability(effect.benefit),
        "mcid": probability(effect.important),
        "rope": probability(effect.equivalent),
    }


def _full_notes(data: CitedResults, effects: list[Effect]) -> Iterator[str]:
    yield "Prior: mean (SD) of the effect before the data are seen, in baseline SDs; above 0 is a benefit."
    yield from interval_notes(effects)
    yield counts_note(data.study.arms)
    yield directions({effect.outcome.name: effect.outcome for effect in effects}.values())
    yield from _chance_notes(data, effects)
    yield from failure_notes(effects)
