"""Sensitivity to the prior: the posteriors of every outcome under each prior, with the prior itself behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import BAYES_METHODS, PRIOR_SETS
from neurotrial.reports.cited import derived
from neurotrial.reports.effect_cells import not_drawn
from neurotrial.reports.effects import BAYES_LABELS, capitalised
from neurotrial.reports.family import is_family
from neurotrial.reports.figures.style import (
    LINE,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import number, probability
from neurotrial.reports.posteriors import (
    all_posteriors,
    bayes_kinds,
    normal_range,
    posterior_outcomes,
    posteriors_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis

__all__ = ["Shown", "prior_figure", "standardised", "standardised_posteriors"]

_LABEL = 2.2
_MARKERS = dict(zip(PRIOR_SETS, ("s", "o", "^"), strict=True))
_COLOURS = dict(zip(PRIOR_SETS, ("#0072B2", "#000000", "#D55E00"), strict=True))
_STEP = 0.26


@dataclass(frozen=True, slots=True)
class Shown:
    """A posterior and its prior in baseline SDs, oriented so that above 0 is a benefit.

    Attributes
    ----------
    effect : Effect
        In its own unit.
    prior : str
        Set of the prior.
    prior_mean, prior_sd, estimate, low, high : float
        In SDs.
    """

    effect: Effect
    prior: str
    prior_mean: float
    prior_sd: float
    estimate: float
    low: float
    high: float


def standardised_posteriors(data: CitedResults, analysis: Analysis, kind: str) -> list[list[Shown]]:
    """Return, for each outcome and contrast, the posteriors that did not fail."""
    rows = []
    for outcome in posterior_outcomes(data, analysis):
        by_prior = posteriors_of(data, analysis, outcome, kind)
        for place in range(len(by_prior[PRIOR_SETS[0]])):
            shown = [standardised(data, found[place], prior) for prior, found in by_prior.items()]
            rows.append([item for item in shown if item is not None])
    return [row for row in rows if row]


def standardised(data: CitedResults, effect: Effect, prior: str) -> Shown | None:
    """Return a posterior in baseline SDs, or None if it failed."""
    row = data.row("diagnostics", f"diagnostics/{effect.key}")
    if effect.failure or effect.low is None or effect.high is None or row is None:
        return None
    sign = 1 if effect.outcome.direction == "higher_is_better" else -1
    # a pooled effect is in baseline SDs already
    scale = sign / (1.0 if is_family(effect.outcome) else float(row["baseline_sd"]))
    low, high = sorted((scale * effect.low, scale * effect.high))
    for value in (scale * (effect.estimate or 0.0), low, high):
        derived(f"{effect.key} in baseline SDs", value)
    mean, sd = float(row["prior_mean"]), float(row["prior_sd"])
    return Shown(effect, prior, mean, sd, scale * (effect.estimate or 0.0), low, high)


@in_house_style
def prior_figure(data: CitedResults, analysis: Analysis) -> Plot | None:
    """Draw the posteriors of an analysis under each prior, of its first Bayesian model.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.

    Returns
    -------
    Plot or None
        None if every fit failed.
    """
    kind = bayes_kinds(analysis)[0]
    rows = standardised_posteriors(data, analysis, kind)
    if not rows:
        return None
    several = len(data.comparisons) > 1
    labels = [_label(row[0].effect, several=several) for row in rows]
    figure = new_figure(1.5 + (max(3, line_count(*labels)) + 1.2) * LINE * len(rows))
    panel = figure.subplots()
    for y, row in enumerate(rows):
        for item in row:
            _draw(panel, item, y + _STEP * (PRIOR_SETS.index(item.prior) - 1))
    panel.axvline(0, color="0.5", linewidth=1, zorder=0)
    panel.set_yticks(range(len(rows)), labels)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    reach = 1.08 * max(max(abs(item.low), abs(item.high)) for row in rows for item in row)
    panel.set_xlim(-reach, reach)
    panel.set_xlabel("Difference in baseline SDs; right of 0: benefit")
    _legend(panel)
    mark_simulated(figure, data.study)
    name = f"priors-{analysis.name}".replace("_", "-")
    return Plot(name, figure, _caption(data, analysis, kind, rows), _alt(data, rows))


def _label(effect: Effect, *, several: bool) -> str:
    return fitted(f"{effect.outcome.label}{f': {effect.comparison}' if several else ''}", _LABEL)


def _draw(panel: Axes, item: Shown, y: float) -> None:
    colour = _COLOURS[item.prior]
    ends = normal_range(item.prior_mean, item.prior_sd)
    panel.plot(ends, [y, y], color=colour, linewidth=4.5, alpha=0.16, solid_capstyle="butt", zorder=1)
    panel.plot([item.low, item.high], [y, y], color=colour, linewidth=1.6, zorder=2)
    panel.plot(item.estimate, y, _MARKERS[item.prior], color=colour, markersize=5.5, zorder=3)


def _legend(panel: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=_COLOURS[prior],
            marker=_MARKERS[prior],
            linewidth=1.6,
            label=f"{capitalised(prior)} prior",
        )
        for prior in PRIOR_SETS
    ]
    figure = panel.get_figure()
    if figure is not None:
        figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=len(handles))


def _caption(data: CitedResults, analysis: Analysis, kind: str, rows: list[list[Shown]]) -> Markdown:
    lost = [
        effect
        for effect in all_posteriors(data, analysis)
        if effect.method in BAYES_METHODS[kind] and not effect.has_interval
    ]
    kinds = "; ".join(dict.fromkeys(item.effect.interval_name for row in rows for item in row))
    return Markdown(
        f"{escape(analysis.label)}: posteriors of the {escape(BAYES_LABELS[kind])} under each prior, in baseline SDs, oriented by the "
        f"outcome's direction. Markers: posterior means; lines: {escape(kinds)}; pale bars: 95 % of the prior, which may reach beyond "
        f"the axis.{not_drawn(lost)}"
    )


def _alt(data: CitedResults, rows: list[list[Shown]]) -> str:
    words = "; ".join(
        f"{item.effect.outcome.label}, {item.effect.comparison}, {item.prior} prior: {number(item.estimate, 2)} SD "
        f"({number(item.low, 2)} to {number(item.high, 2)}), probability of benefit {probability(item.effect.benefit)}"
        for row in rows
        for item in row
    )
    return f"Posterior intervals under three priors, positive for a benefit. {words}.{note_simulated(data.study)}"
