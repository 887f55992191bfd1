"""The outcomes of an analysis, one row each, with their main contrasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import (
    adjusted_p,
    counts_cell,
    counts_note,
    directions,
    effect_cell,
    interval_notes,
    procedure_name,
)
from neurotrial.reports.effects import GROUP_TIME, method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, mean_sd, p_cell, p_value
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis

__all__ = ["outcome_table"]

Row = dict[str, str]


def outcome_table(data: CitedResults, analysis: Analysis) -> Tabulation:
    """Return the outcomes of an analysis: means by arm, and the effect of the main method, in one row each.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        An analysis of the study file.

    Returns
    -------
    Tabulation
        One row for each outcome and contrast; adjusted p-values if an outcome belongs to a family, group × time beside
        the main effect if the analysis has it.
    """
    estimand, visit = data.estimand_visit(analysis)
    effects = _effects(data, analysis, analysis.main_method)
    families = any(adjusted_p(data, effect) for effect in effects)
    interactions = [] if analysis.main_method == GROUP_TIME else _effects(data, analysis, GROUP_TIME)
    several = len(data.comparisons) > 1
    baseline = data.study.baseline_visit
    labels = {"outcome": "Outcome", "n": "n"}
    spanners: list[tuple[str, list[str]]] = []
    for arm in data.study.arms:
        columns = {f"{arm.name}_before": baseline.label, f"{arm.name}_after": visit}
        labels |= columns
        spanners.append((arm.label, list(columns)))
    labels |= {"effect": "Effect, interval", "p": "p"} | ({"adjusted": "p, adj."} if families else {})
    labels |= {"interaction": "Group × time, interval"} if interactions else {}
    beside = {(effect.outcome.name, effect.contrast): effect for effect in interactions}
    rows = [
        {"outcome": _outcome_label(effect, several=several)}
        | _arm_cells(data, analysis, effect, (baseline.name, estimand.visit))
        | {"effect": effect_cell(effect), "p": p_cell(effect.p), "adjusted": _adjusted_cell(data, effect)}
        | {"interaction": _interaction_cell(data, beside.get((effect.outcome.name, effect.contrast)))}
        for effect in effects
    ]
    name = f"outcomes-{analysis.name.replace('_', '-')}"
    table = make_table(
        name,
        rows,
        labels,
        spanners=spanners,
        row_label="outcome",
        notes=_outcome_notes(data, analysis, [*effects, *interactions]),
    )
    population = escape(data.study.population_of(analysis).label)
    caption = f"{escape(analysis.label)}: outcomes at {escape(visit)} and differences between arms. Population: {population}."
    return Tabulation(name, table, Markdown(caption))


def _effects(data: CitedResults, analysis: Analysis, method: str) -> list[Effect]:
    return [
        effect
        for outcome in data.outcomes_of(analysis)
        for effect in data.effects(analysis.name, outcome.name, method)
    ]


def _adjusted_cell(data: CitedResults, effect: Effect) -> str:
    return "; ".join(p_cell(row["p_adjusted"]) for row in adjusted_p(data, effect)) or MISSING


def _interaction_cell(data: CitedResults, effect: Effect | None) -> str:
    """Return group × time with its p-values in one cell; a dash where it was not estimated for this contrast."""
    if effect is None:
        return MISSING
    p = [_unbroken(p_value(effect.p))] if effect.p is not None else []
    adjusted = [_unbroken(p_value(row["p_adjusted"], "adj. p")) for row in adjusted_p(data, effect)]
    return "; ".join([effect_cell(effect), *p, *adjusted])


def _unbroken(text: str) -> str:
    """Return words that stay on one line."""
    return text.replace(" ", "\u00a0")


def _outcome_label(effect: Effect, *, several: bool) -> str:
    label = f"{effect.outcome.label}, {effect.outcome.unit}"
    return f"{label}: {effect.comparison}" if several else label


def _arm_cells(data: CitedResults, analysis: Analysis, effect: Effect, visits: tuple[str, str]) -> Row:
    outcome = effect.outcome
    cells = {"n": counts_cell(effect, data.study.arms)}
    for visit, when in zip(visits, ("before", "after"), strict=True):
        rows = data.described("outcome", analysis, outcome.name, visit)
        for arm, row in zip(data.study.arms, rows, strict=True):
            cells[f"{arm.name}_{when}"] = (
                MISSING if row is None else mean_sd(row["mean"], row["sd"], outcome.digits)
            )
    return cells


def _outcome_notes(data: CitedResults, analysis: Analysis, effects: list[Effect]) -> Iterator[str]:
    comparisons = dict.fromkeys(effect.comparison for effect in effects if effect.reference)
    yield f"Effect: {'; '.join(comparisons) or 'between the arms'}. Estimator: {method_label(analysis.main_method)}."
    if any(effect.method != analysis.main_method for effect in effects):
        yield "Group × time: difference between the arms in the change from baseline, mixed model for repeated measures of all with a value at either visit."
    yield from interval_notes(effects)
    yield "Columns by visit: mean (SD) of all participants with a value."
    yield counts_note(data.study.arms)
    yield directions({effect.outcome.name: effect.outcome for effect in effects}.values())
    families = _families_note(data, effects)
    yield from families
    adjusted = "; p, adj., adjusted p-value" if families else ""
    yield f"SD, standard deviation; CI, confidence interval{adjusted}."


def _families_note(data: CitedResults, effects: list[Effect]) -> list[str]:
    """Return the line that names the families of the adjusted p-values; nothing without any."""
    named = {
        row.values["family"]: row.values["procedure"]
        for effect in effects
        for row in adjusted_p(data, effect)
    }
    labels = {family.name: family.label for family in data.study.families}
    words = [f"{labels.get(name, name)} ({procedure_name(procedure)})" for name, procedure in named.items()]
    return (
        [f"Adjusted p-values: family {'; '.join(words)}; all other p-values are not adjusted."]
        if words
        else []
    )
