"""Tables that set estimates side by side: all estimators of an outcome, changes within arms beside contrasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.effect_cells import counts_cell, counts_note, directions, effect_cell, interval_notes
from neurotrial.reports.effects import capitalised, is_adjusted, method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import MISSING, p_cell, probability, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["estimator_table", "within_arm_table"]

Row = dict[str, str]
WITHIN = "paired_t"
CHANGE = "change_welch"

_COURSE = (
    "Change within an arm describes its course, which includes spontaneous recovery; only the contrast between the arms "
    "compares them."
)


def estimator_table(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Tabulation:
    """Return all estimators of one outcome side by side, with the requested and the main one marked.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.
    outcome : Outcome
        One of its outcomes.

    Returns
    -------
    Tabulation
        One row for each estimator and contrast: n by arm, estimate with interval, p-value, favoured arm.
    """
    effects = [
        effect
        for method in data.methods(analysis.name, outcome.name)
        for effect in data.effects(analysis.name, outcome.name, method)
    ]
    several = len(data.comparisons) > 1
    rows = [_estimator_row(data, analysis, effect) for effect in effects]
    labels = {
        "method": "Estimator",
        "role": "Role",
        **({"comparison": "Comparison"} if several else {}),
        "n": "n",
        "effect": "Estimate (interval)",
        "p": "p",
        **({"benefit": "P(benefit)"} if any(effect.benefit is not None for effect in effects) else {}),
        "favours": "Favours",
    }
    comparisons = dict.fromkeys(effect.comparison for effect in effects if effect.reference)
    notes = [
        f"Estimate: {'; '.join(comparisons) or 'between the arms'}.",
        *interval_notes(effects),
        directions([outcome]),
        counts_note(data.study.arms),
    ]
    name = f"estimators-{analysis.name}-{outcome.name}".replace("_", "-")
    table = make_table(name, rows, labels, row_label="method", notes=notes)
    _, visit = data.estimand_visit(analysis)
    caption = f"{escape(outcome.label)} at {escape(visit)}: every estimator of the analysis {escape(analysis.label)}."
    return Tabulation(name, table, Markdown(caption))


def _estimator_row(data: CitedResults, analysis: Analysis, effect: Effect) -> Row:
    adjusted = effect.method if is_adjusted(effect.method) else None
    roles = {
        "main": analysis.main_method,
        "requested": analysis.requested_method,
        "baseline-adjusted": adjusted,
    }
    favoured = effect.favoured
    return {
        "method": capitalised(method_label(effect.method)),
        "role": ", ".join(role for role, method in roles.items() if method == effect.method),
        "comparison": effect.comparison,
        "n": counts_cell(effect, data.study.arms),
        "effect": effect_cell(effect, unit=True),
        "p": p_cell(effect.p),
        "benefit": probability(effect.benefit),
        "favours": data.arm_label(favoured) if favoured else MISSING,
    }


def within_arm_table(data: CitedResults, analysis: Analysis) -> Tabulation | None:
    """Return the changes within the arms, each outcome with its contrasts between the arms below them.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.

    Returns
    -------
    Tabulation or None
        None if the analysis has no estimates within arms, or none between arms to set beside them.
    """
    outcomes = data.outcomes_of(analysis)
    within = {item.name: data.effects(analysis.name, item.name, WITHIN, "within_arm") for item in outcomes}
    between = {item.name: list(_between(data, analysis, item)) for item in outcomes}
    shown = [item for item in outcomes if within[item.name] and between[item.name]]
    if not shown:
        return None
    rows = [
        row
        for item in shown
        for row in (*map(_within_row, within[item.name]), *map(_between_row, between[item.name]))
    ]
    labels = {"what": "Comparison", "n": "n", "effect": "Estimate (interval)", "p": "p"}
    effects = [effect for item in shown for effect in (*within[item.name], *between[item.name])]
    notes = [_COURSE, *interval_notes(effects)]
    name = f"within-{analysis.name.replace('_', '-')}"
    table = make_table(name, rows, labels, row_label="what", group="outcome", notes=notes)
    caption = f"{escape(analysis.label)}: change within each arm, with the contrast between the arms."
    return Tabulation(name, table, Markdown(caption))


def _between(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Effect]:
    for method in dict.fromkeys((CHANGE, analysis.main_method)):
        yield from data.effects(analysis.name, outcome.name, method)


def _within_row(effect: Effect) -> Row:
    return {
        "outcome": f"{effect.outcome.label}, {effect.outcome.unit}",
        "what": f"Within arm: {effect.comparison}",
        "n": whole(effect.n_per_arm.get(effect.arm)),
        "effect": effect_cell(effect),
        "p": p_cell(effect.p),
    }


def _between_row(effect: Effect) -> Row:
    return {
        "outcome": f"{effect.outcome.label}, {effect.outcome.unit}",
        "what": f"Between arms: {effect.comparison} ({method_label(effect.method)})",
        "n": whole(
            derived("participants of all arms", sum(effect.n_per_arm.values())) if effect.n_per_arm else None
        ),
        "effect": effect_cell(effect),
        "p": p_cell(effect.p),
    }
