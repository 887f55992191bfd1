"""Figures of the sensitivity analyses of a study: without each participant, and with deltas added to imputed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.effects import method_label
from neurotrial.reports.figures.sensitivity import draw_influence, draw_tipping
from neurotrial.reports.figures.style import (
    arm_legend,
    arm_styles,
    fitted,
    in_house_style,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.participants_drawn import axis_label

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis, Outcome

__all__ = ["influence_figure", "tipping_figure"]


@in_house_style
def influence_figure(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Plot | None:
    """Draw the main comparison without each participant in turn.

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
    Plot or None
        None if the analysis did not ask for it, or it could not be computed. The first contrast is drawn.
    """
    whole = _main(data, analysis, outcome)
    table = data.results.tables["influence"]
    rows = table[(table["analysis"] == analysis.name) & (table["outcome"] == outcome.name)]
    if whole is None or rows.empty:
        return None
    rows = rows[(rows["contrast"] == whole.contrast) & rows["estimate"].notna()].sort_values("estimate")
    shown = rows.rename(columns={"participant_id": "participant"}).assign(turned=rows["turned"] == "yes")
    figure = new_figure(min(9.0, 1.4 + 0.13 * len(rows)))
    axes = figure.subplots()
    styles = arm_styles(data.study)
    band = {"estimate": whole.estimate, "conf_low": whole.low, "conf_high": whole.high}
    draw_influence(axes, shown, band, styles)
    axes.set_xlabel(fitted(f"{whole.comparison}, {axis_label(outcome)}: without the participant named", 5.0))
    arm_legend(figure, {arm.name: f"left out from {arm.label}" for arm in data.study.arms}, styles)
    mark_simulated(figure, data.study)
    caption = (
        f"{escape(outcome.label)}: {escape(method_label(analysis.main_method))} without each participant in turn. Line and band: "
        f"estimate and {escape(whole.interval_name)} with everybody."
    )
    turned = int(shown["turned"].sum())
    alt = (
        f"{outcome.label} without each of {len(rows)} participants: estimates from {rows['estimate'].min():.3g} to "
        f"{rows['estimate'].max():.3g}, with everybody {whole.text}; significance changes without {turned} of them."
        f"{note_simulated(data.study)}"
    )
    return Plot(_name("influence", analysis, outcome), figure, Markdown(caption), alt)


@in_house_style
def tipping_figure(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Plot | None:
    """Draw where the conclusion changes as imputed values are shifted; arguments and None as `influence_figure`."""
    table = data.results.tables["tipping"]
    rows = table[(table["analysis"] == analysis.name) & (table["outcome"] == outcome.name)]
    if rows.empty:
        return None
    first = rows["contrast"].iloc[0]
    arms = tuple(data.arm_label(name) for name in str(first).split(" - "))
    figure = new_figure(4.4)
    axes = figure.subplots()
    alpha = round(1 - data.study.conf_level, 12)
    draw_tipping(axes, rows[rows["contrast"] == first], (arms[0], arms[1]), alpha, outcome.unit)
    mark_simulated(figure, data.study)
    method = method_label(str(rows["method"].iloc[0]))
    caption = (
        f"{escape(outcome.label)}: p-value of {escape(f'{arms[0]} minus {arms[1]}')} with deltas added to the imputed values of both arms "
        f"({escape(method)}). Blue: significant at {alpha:g}."
    )
    alt = f"{_statement(data, analysis, outcome)}{note_simulated(data.study)}"
    return Plot(_name("tipping", analysis, outcome), figure, Markdown(caption), alt)


def _statement(data: CitedResults, analysis: Analysis, outcome: Outcome) -> str:
    population = data.study.population_of(analysis).name
    key = f"{analysis.name}/{outcome.name}/{population}/tipping_point"
    return str(data.cite(f"{key}#statement"))


def _main(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Effect | None:
    effects = data.effects(analysis.name, outcome.name, analysis.main_method)
    return next((effect for effect in effects if effect.estimate is not None and effect.has_interval), None)


def _name(kind: str, analysis: Analysis, outcome: Outcome) -> str:
    return f"{kind}-{analysis.name}-{outcome.name}".replace("_", "-")
